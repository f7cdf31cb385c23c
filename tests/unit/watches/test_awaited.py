"""The watch for ConfigMaps that sources wait for: open only while there is one, and nothing in between is missed."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube.errors import UnreachableError
from appconfig_operator.watches import awaited, patience
from appconfig_operator.watches.awaited import AwaitedWatches
from tests.unit.support.watching import ended, eventually, refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass
class WaitingScheduler:
    """Has sources that wait, and keeps what is reported."""

    waiting: list[tuple[str, str]] = field(default_factory=list)
    reported: list[tuple[str, str]] = field(default_factory=list)

    def waited_for(self, namespace: str | None) -> list[tuple[str, str]]:
        return [target for target in self.waiting if namespace in {None, target[0]}]

    def waits_in(self, namespace: str | None) -> bool:
        return bool(self.waited_for(namespace))

    def config_map_changed(self, namespace: str, name: str) -> None:
        self.reported.append((namespace, name))


@dataclass
class StreamedConfigMaps:
    """Yields events until one is an error, or `None`: the end of a watch."""

    namespace: str | None = None
    errors: list[Exception] = field(default_factory=list)
    events: queue.Queue[tuple[dict[str, Any], bool] | None] = field(default_factory=queue.Queue)
    since: list[str] = field(default_factory=list)
    asked: int = 0

    def now(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "7"

    def watch(self, version: str) -> Iterator[tuple[Mapping[str, Any], bool]]:
        self.since.append(version)
        while (event := self.events.get(timeout=30)) is not None:
            yield event


@dataclass
class Waiting:
    """The watches, and what is around them."""

    scheduler: WaitingScheduler = field(default_factory=WaitingScheduler)
    maps: tuple[StreamedConfigMaps, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    watches: AwaitedWatches | None = None

    def start(self, *maps: StreamedConfigMaps) -> None:
        scheduler: Any = self.scheduler
        config_maps: Any = maps
        self.maps = maps
        self.watches = AwaitedWatches(scheduler, config_maps, stop=self.stop)
        self.watches.start()

    def end(self) -> bool:
        self.stop.set()
        for maps in self.maps:
            maps.events.put(None)
        return self.watches is None or ended(self.watches._threads)


@pytest.fixture
def it(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    """Watches, not started yet. All of their threads end with the test."""
    monkeypatch.setattr(awaited, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(patience, "WATCH_AGAIN_SECONDS", 0.02)
    made = Waiting()
    yield made
    assert made.end()


def event(namespace: str, name: str, *, there: bool = True) -> tuple[dict[str, Any], bool]:
    return {"namespace": namespace, "name": name}, there


def test_nothing_is_requested_while_no_source_waits(it: Waiting) -> None:
    shop, waits = StreamedConfigMaps("shop"), StreamedConfigMaps("waits")
    it.scheduler.waiting = [("waits", "x")]
    it.start(shop, waits)
    eventually(lambda: waits.since == ["7"])
    assert shop.asked == 0


def test_sources_that_wait_are_notified_once_when_the_watch_opens_and_then_of_each_change(it: Waiting) -> None:
    it.scheduler.waiting = [("shop", "x")]
    maps = StreamedConfigMaps()
    it.start(maps)
    eventually(lambda: it.scheduler.reported == [("shop", "x")])
    maps.events.put(event("shop", "y"))
    maps.events.put(event("shop", "x", there=False))
    eventually(lambda: it.scheduler.reported[1:] == [("shop", "y"), ("shop", "x")])


def test_the_watch_closes_when_no_source_waits_anymore_and_opens_again(it: Waiting) -> None:
    it.scheduler.waiting = [("shop", "x")]
    maps = StreamedConfigMaps()
    it.start(maps)
    eventually(lambda: maps.since == ["7"])
    it.scheduler.waiting = []
    maps.events.put(event("shop", "x"))
    eventually(maps.events.empty)
    it.scheduler.waiting = [("shop", "z")]
    eventually(lambda: maps.since == ["7", "7"])


@pytest.mark.parametrize("error", [refused(), UnreachableError("no answer"), ValueError("geheim")])
def test_whatever_goes_wrong_is_logged_once_without_its_text_and_the_watch_goes_on(
    it: Waiting, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    it.scheduler.waiting = [("shop", "x")]
    maps = StreamedConfigMaps(errors=[error, error, error])
    it.start(maps)
    eventually(lambda: maps.since == ["7"])
    assert len([record for record in caplog.records if "that sources wait for" in record.getMessage()]) == 1
    assert "geheim" not in caplog.text
