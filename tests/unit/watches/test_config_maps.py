"""The watches on ConfigMaps: what they report, and that they go on."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.labels import SOURCE_UID
from appconfig_operator.core.target.drift import ConfigMapSnapshot
from appconfig_operator.core.target.references import reference
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.watches import config_maps
from appconfig_operator.watches.config_maps import ConfigMapWatches
from tests.unit.support.watching import NO_RIGHT, FakeScheduler, ended, eventually, hurry, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


def config_map(name: str, uid: str = "a", version: str = "1", namespace: str = "shop") -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "resourceVersion": version, "labels": {SOURCE_UID: uid}}


@dataclass
class ListedConfigMaps:
    """Lists what is there, and yields events until one is an error, or `None`: the end of a watch."""

    namespace: str | None = None
    there: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None
    events: queue.Queue[tuple[dict[str, Any], bool] | Exception | None] = field(default_factory=queue.Queue)
    lists: int = 0
    since: list[str] = field(default_factory=list)

    def list(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
        self.lists += 1
        if self.error is not None:
            raise self.error
        yield "7", self.there[:1]
        yield "7", self.there[1:]

    def watch(self, version: str) -> Iterator[tuple[Mapping[str, Any], bool]]:
        self.since.append(version)
        while (event := self.events.get(timeout=30)) is not None:
            if isinstance(event, Exception):
                raise event
            yield event


@dataclass
class Drifting:
    """Watches on ConfigMaps, and what is around them."""

    scheduler: FakeScheduler = field(default_factory=FakeScheduler)
    after: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    maps: tuple[ListedConfigMaps, ...] = ()

    def start(self, *maps: ListedConfigMaps) -> ConfigMapWatches:
        sink: Any = self.scheduler
        config_maps: Any = maps
        self.maps = maps
        self.watches = ConfigMapWatches(sink, config_maps, after=self.after, stop=self.stop)
        self.watches.start()
        return self.watches

    def end(self) -> bool:
        self.stop.set()
        for maps in self.maps:
            maps.events.put(None)
        return ended([watch._thread for watch in self.watches._watches])

    def reported(self) -> list[tuple[str, str, bool]]:
        """Return uid, name and whether it is there of each ConfigMap that was reported."""
        return [(uid, seen.name, bool(seen.resource_version)) for uid, seen in self.scheduler.drifts]


@pytest.fixture
def it(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drifting]:
    """Watches, not started yet. All of their threads end with the test."""
    hurry(monkeypatch)
    made = Drifting()
    made.after.set()
    yield made
    assert made.end()


def test_what_is_there_is_reported(it: Drifting) -> None:
    maps = ListedConfigMaps(there=[config_map("x", "a"), config_map("y", "b")])
    assert it.start(maps).listed.wait(10)
    assert it.reported() == [("a", "x", True), ("b", "y", True)]
    eventually(lambda: maps.since == ["7"])


def test_those_that_wait_for_it_are_reported(it: Drifting) -> None:
    """A process that was killed leaves them so; their spec may ask for another ConfigMap by now."""
    put: dict[str, Any] = {"f:metadata": {"f:ownerReferences": {'k:{"uid":"w"}': {}}}}
    owners = [reference("old", "a", controls=True), reference("new", "w", controls=False)]
    owners.append(reference("by a user", "u", controls=False))
    waited_for = config_map("x", "a") | {
        "ownerReferences": owners,
        "managedFields": [{"manager": "appconfig-operator", "fieldsV1": put}],
    }
    maps = ListedConfigMaps(there=[waited_for])
    assert it.start(maps).listed.wait(10)
    assert it.scheduler.waiting == [({"w"}, "shop", "x")]
    maps.events.put((waited_for, False))
    eventually(lambda: len(it.reported()) == 2)
    eventually(lambda: it.scheduler.waiting[1:] == [(set(), "shop", "x")])


def test_what_is_missing_was_deleted(it: Drifting) -> None:
    it.scheduler.targets_by_uid = {"a": ("shop", "x"), "b": ("shop", "y")}
    assert it.start(ListedConfigMaps(there=[config_map("x", "a")])).listed.wait(10)
    assert it.reported() == [("a", "x", True), ("b", "y", False)]
    assert it.scheduler.drifts[1] == ("b", ConfigMapSnapshot("shop", "y"))


def test_what_is_elsewhere_is_not_missing(it: Drifting) -> None:
    it.scheduler.targets_by_uid = {"a": ("shop", "x"), "b": ("other", "x")}
    assert it.start(ListedConfigMaps("shop", there=[])).listed.wait(10)
    assert it.reported() == [("a", "x", False)]


def test_one_of_that_name_elsewhere_is_another(it: Drifting) -> None:
    it.scheduler.targets_by_uid = {"a": ("shop", "x")}
    assert it.start(ListedConfigMaps(there=[config_map("x", "b", namespace="other")])).listed.wait(10)
    assert it.reported() == [("b", "x", True), ("a", "x", False)]


def test_a_list_that_starts_over_counts_from_there(it: Drifting) -> None:
    class Renewed(ListedConfigMaps):
        def list(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
            yield "7", [config_map("x", "a"), config_map("y", "b")]
            yield "8", [config_map("x", "a")]

    it.scheduler.targets_by_uid = {"a": ("shop", "x"), "b": ("shop", "y")}
    maps = Renewed()
    assert it.start(maps).listed.wait(10)
    assert it.reported()[-1] == ("b", "y", False)
    eventually(lambda: maps.since == ["8"])


def test_events_are_reported(it: Drifting) -> None:
    maps = ListedConfigMaps()
    assert it.start(maps).listed.wait(10)
    maps.events.put((config_map("x", version="2"), True))
    maps.events.put((config_map("x", version="3"), False))
    eventually(lambda: len(it.reported()) == 2)
    assert it.reported() == [("a", "x", True), ("a", "x", False)]


def test_they_begin_when_the_sources_are_known(it: Drifting) -> None:
    it.after.clear()
    maps = ListedConfigMaps()
    watches = it.start(maps)
    assert not watches.listed.wait(0.1)
    assert maps.lists == 0
    it.after.set()
    assert watches.listed.wait(10)


def test_a_namespace_that_refuses_the_list_delays_nothing(it: Drifting, caplog: pytest.LogCaptureFixture) -> None:
    refusing, open_later = ListedConfigMaps("shop", error=refused()), ListedConfigMaps("other", error=None)
    assert it.start(refusing, open_later).listed.wait(10)
    eventually(lambda: refusing.lists > 3)
    assert caplog.messages == [], "a missing permission is logged elsewhere"
    refusing.error, refusing.there = None, [config_map("x")]
    eventually(lambda: it.reported() == [("a", "x", True)])


def test_an_api_server_that_asks_for_patience_gets_it(it: Drifting) -> None:
    it.after.set()
    maps = ListedConfigMaps("shop", error=ApiError(429, {}, retry_after=300.0))
    it.start(maps)
    eventually(lambda: maps.lists)
    assert it.watches.listed.wait(10), "each ConfigMap is read before it is written"
    it.stop.wait(0.1)
    assert maps.lists == 1


def test_all_namespaces_are_waited_for(it: Drifting) -> None:
    opened = threading.Event()

    class Slow(ListedConfigMaps):
        def list(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
            assert opened.wait(10)
            return super().list()

    quick = ListedConfigMaps("shop")
    watches = it.start(quick, Slow("other"))
    eventually(lambda: quick.since)
    assert not watches.listed.is_set()
    opened.set()
    assert watches.listed.wait(10)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda: None, []),
        (lambda: UnreachableError("cut"), ["The watch on ConfigMaps broke (cut), and is restarted"]),
        (refused, []),
        (lambda: refused(500), [f"The watch on ConfigMaps was refused (HTTP 500 Forbidden): {NO_RIGHT}"]),
        (lambda: KeyError("hunter2"), ["The watch on ConfigMaps ended (KeyError), and is restarted"]),
    ],
    ids=["its end", "unreachable", "no right", "refused", "bug"],
)
def test_the_watch_goes_on_whatever_ends_it(
    it: Drifting, caplog: pytest.LogCaptureFixture, end: Callable[[], ApiError | Exception | None], words: list[str]
) -> None:
    it.scheduler.targets_by_uid = {"a": ("shop", "x")}
    maps = ListedConfigMaps(there=[config_map("x")])
    it.start(maps)
    eventually(lambda: maps.since)
    maps.there = []
    maps.events.put(end())
    eventually(lambda: len(maps.since) == 2)
    assert it.reported() == [("a", "x", True), ("a", "x", False)], "deleted while nobody watched"
    assert caplog.messages == words


def test_one_that_cannot_be_read_is_skipped(it: Drifting, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, until it could be read in between."""
    broken: dict[str, Any] = config_map("broken") | {"managedFields": 5}
    maps = ListedConfigMaps(there=[broken, config_map("x")])
    assert it.start(maps).listed.wait(10)
    assert it.reported() == [("a", "x", True)]
    maps.events.put((broken, True))
    maps.events.put((config_map("y"), True))
    eventually(lambda: len(it.reported()) == 2)
    said = (
        "The metadata of ConfigMap shop/broken cannot be read (TypeError), "
        "so changes to it are noticed when its source is polled"
    )
    assert caplog.messages == [said]
    maps.events.put((config_map("broken"), True))
    maps.events.put((broken, True))
    maps.events.put((config_map("z"), True))
    eventually(lambda: len(it.reported()) == 4)
    assert caplog.messages == [said, said]
    assert maps.lists == 1


def test_the_log_has_a_bound(it: Drifting, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_maps, "REPORTED", 2)
    broken: list[dict[str, Any]] = [config_map(name) | {"managedFields": 5} for name in "xyz"]
    assert it.start(ListedConfigMaps(there=broken)).listed.wait(10)
    assert len(caplog.messages) == 2


def test_the_end_does_not_wait_for_sources_that_never_came(it: Drifting) -> None:
    it.after.clear()
    maps = ListedConfigMaps()
    it.start(maps)
    assert it.end()
    assert maps.lists == 0


def test_an_event_after_the_end_ends_the_watch(it: Drifting) -> None:
    maps = ListedConfigMaps()
    it.start(maps)
    eventually(lambda: maps.since)
    it.stop.set()
    maps.events.put((config_map("x"), True))
    assert ended([watch._thread for watch in it.watches._watches])
    assert maps.lists == 1
