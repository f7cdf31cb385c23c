"""The watch on sources: which are known, which are gone, and that it goes on."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.watches import sources as module
from tests.support.builders import source
from tests.unit.support.watching import NO_RIGHT, FakeSources, Stop, Watching, eventually, hurry, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

API = FakeSources.server


@pytest.fixture
def it(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watching]:
    """A watch, not started yet. All of its threads end with the test."""
    hurry(monkeypatch)
    made = Watching()
    yield made
    assert made.end()


def listed(it: Watching, *uids: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the watch, and let it know of all sources."""
    it.sources.there = set(uids)
    watch = it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    for uid in uids:
        watch.put(source(uid=uid))
    assert watch.listed.wait(10)


def test_all_are_listed_once_all_have_come(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    it.sources.there = {"a", "b"}
    watch = it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    assert watch.put(source(uid="a")) is False
    assert watch.put(source(uid="a")) is True
    watch.put(source(uid="new"))
    it.looked()
    assert not watch.listed.is_set(), "b has not come"
    watch.put(source(uid="b"))
    assert watch.listed.is_set()
    assert it.scheduler.uids() == {"a", "b"}, "new is not in the list"


def test_one_that_cannot_be_read_is_not_waited_for(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    it.sources.there = {"a", "b"}
    watch = it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    watch.put(source(uid="a"))
    it.looked()
    assert not watch.listed.is_set()
    watch.pass_over("b")
    assert watch.listed.is_set()


def test_one_whose_end_is_told_is_not_waited_for(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    it.sources.there = {"a", "b"}
    watch = it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    watch.put(source(uid="a"))
    assert not watch.listed.is_set()
    watch.remove("b")
    assert watch.listed.is_set()


def test_one_that_is_gone_before_it_was_told_is_not_waited_for(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    it.sources.there = {"a", "b"}
    watch = it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    watch.put(source(uid="a"))
    it.looked()
    assert not watch.listed.is_set()
    it.sources.there = {"a"}
    assert watch.listed.wait(10)


def test_without_sources_there_is_nothing_to_wait_for(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    assert it.start(monkeypatch).listed.wait(10)


def test_one_that_was_deleted_unheard_is_noticed_by_the_clock(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRUNE_SECONDS", 0.02)
    listed(it, "a", "b", monkeypatch=monkeypatch)
    it.sources.there = {"b"}
    eventually(lambda: it.scheduler.uids() == {"b"})
    assert it.kopf.begun == 1, "the watch was not begun anew for it"


def test_one_that_was_deleted_unheard_is_noticed_after_a_gap(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(it, "a", "b", monkeypatch=monkeypatch)
    it.sources.there = {"b"}
    it.kopf.on_gap()
    eventually(lambda: it.scheduler.uids() == {"b"})


def test_one_that_was_deleted_between_two_watches_is_noticed(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(it, "a", "b", monkeypatch=monkeypatch)
    it.sources.there = {"b"}
    it.watch.stop()
    eventually(lambda: it.kopf.begun == 2)
    assert it.scheduler.uids() == {"b"}


@pytest.mark.parametrize(("signs", "waits"), [(0, 1), (5, 6), (1000, 30)], ids=["at once", "later", "no quiet ever"])
def test_a_gap_is_looked_into_when_it_is_over(monkeypatch: pytest.MonkeyPatch, signs: int, waits: int) -> None:
    """Kopf gives a sign for each source, and the list of 10,000 takes it a while."""
    hurry(monkeypatch)
    it = Watching()
    left, waited, lists = iter(range(signs)), [], []

    def on_wait() -> None:
        if threading.current_thread().name == "prune":
            waited.append(1)
            if next(left, None) is not None:
                it.kopf.on_gap()

    class Sources(FakeSources):
        def uids(self, namespaces: tuple[str, ...]) -> set[str]:  # type: ignore[override]
            lists.append(len(waited))
            return super().uids(namespaces)

    it.sources, it.stop = Sources(), Stop(on_wait)
    watch = it.start(monkeypatch)
    try:
        assert watch.listed.wait(10)
        assert it.kopf.watching.wait(10)
        it.stop.quick = module.SETTLE_SECONDS
        del lists[:], waited[:]
        it.kopf.on_gap()
        eventually(lambda: lists)
        assert lists[0] == waits
    finally:
        assert it.end()


def test_an_api_server_that_asks_for_patience_gets_it(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    it.sources.error = ApiError(429, {}, retry_after=300.0)
    watch = it.start(monkeypatch)
    it.looked(1)
    eventually(lambda: watch._again == module.LONGEST_WAIT_SECONDS)
    eventually(lambda: it.sources.lists == 2)
    watch._stop.wait(0.1)
    assert it.sources.lists == 2, "by the watch, and by the look for what was deleted"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnreachableError("no route"), f"The Kubernetes API server {API} cannot be reached (no route); retrying"),
        (
            ApiError(401, {"kind": "Status", "reason": "Unauthorized", "message": "Unauthorized"}),
            (
                "The Kubernetes API server refused to list the sources (HTTP 401 Unauthorized). Check the token of "
                "the kubeconfig, or of the ServiceAccount"
            ),
        ),
        (refused(500), f"The Kubernetes API server refused to list the sources (HTTP 500 Forbidden): {NO_RIGHT}"),
        (refused(), ""),
        (KeyError("metadata"), "The watch ended (KeyError), and is restarted"),
    ],
)
def test_an_api_server_that_is_away_at_first_is_waited_for(
    it: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, words: str
) -> None:
    it.sources.error = error
    watch = it.start(monkeypatch)
    it.looked(6)
    assert it.kopf.begun == 0
    assert not watch.listed.is_set()
    it.sources.error = None
    assert watch.listed.wait(10)
    assert it.kopf.watching.wait(10)
    assert caplog.messages.count(words) == bool(words), "once, and not at each try"
    assert "403" not in caplog.text, "a missing right is told elsewhere"


def test_a_namespace_that_refuses_holds_up_no_other(
    it: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "REFUSED_SECONDS", 0.02)
    it.sources.refusing = {"cart"}
    watch = it.start(monkeypatch, "cart")
    assert watch.listed.wait(10)
    assert it.kopf.watching.wait(10)
    it.looked()
    before = it.sources.listed.count("shop")
    it.looked(5)
    assert it.sources.listed.count("shop") == before, "the sources of those that answer are not listed over and over"
    assert (it.kopf.begun, it.kopf.namespaces) == (1, ("shop",))
    it.sources.refusing = set()
    eventually(lambda: it.kopf.begun == 2)
    assert it.kopf.namespaces == ("shop", "cart")
    assert caplog.messages == [], "nothing of a watch that was renewed on purpose"


def test_a_namespace_that_is_named_twice_is_one(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any that answers, an empty list would mean the whole cluster."""
    it.sources.refusing = {"shop"}
    watch = it.start(monkeypatch, "shop")
    it.looked(6)
    assert (it.kopf.begun, watch.listed.is_set()) == (0, False)


def test_one_that_lets_in_before_the_watch_has_begun_is_not_left_out_for_good(
    it: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two threads look at the same time: what counts is what the watch that runs was started without."""
    monkeypatch.setattr(module, "REFUSED_SECONDS", 0.02)
    it.sources.refusing = {"cart"}
    watch = it.start(monkeypatch, "cart")
    assert it.kopf.watching.wait(10)
    watch._refused, it.sources.refusing = {}, set()
    it.kopf.on_gap()
    eventually(lambda: it.kopf.namespaces == ("shop", "cart"))


def test_beside_one_that_refuses_the_clock_goes_on(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFUSED_SECONDS", 0.02)
    monkeypatch.setattr(module, "PRUNE_SECONDS", 0.1)
    it.sources.there, it.sources.refusing = {"a", "b"}, {"cart"}
    watch = it.start(monkeypatch, "cart")
    for uid in ("a", "b"):
        watch.put(source(uid=uid))
    assert watch.listed.wait(10)
    it.sources.there = {"b"}
    eventually(lambda: it.scheduler.uids() == {"b"})


def test_a_namespace_that_begins_to_refuse_is_left_out(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    it.start(monkeypatch, "cart")
    assert it.kopf.watching.wait(10)
    assert it.kopf.namespaces == ("shop", "cart")
    it.sources.refusing = {"cart"}
    it.kopf.on_gap()
    eventually(lambda: it.kopf.namespaces == ("shop",))
    assert it.kopf.watching.wait(10)


def test_where_all_namespaces_refuse_nothing_is_forgotten(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that has just started refuses what it allows a moment later."""
    it.sources.there = {"a"}
    watch = it.start(monkeypatch, "cart")
    watch.put(source(uid="a"))
    assert watch.listed.wait(10)
    assert it.kopf.watching.wait(10)
    it.sources.refusing = {"shop", "cart"}
    it.kopf.on_gap()
    it.looked()
    assert it.scheduler.uids() == {"a"}
    assert it.kopf.begun == 1
    it.watch.stop()
    it.looked()
    assert not watch._refused


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://api/apis/a/v1/namespaces/cart/appconfigsources?limit=500", ("list", "appconfigsources", "cart")),
        ("https://api/apis/a/v1/appconfigsources?limit=500", ("list", "appconfigsources", "")),
        ("https://api/apis/a/v1/appconfigsources?timeout=9&watch=true&x=y", ("watch", "appconfigsources", "")),
    ],
)
def test_what_kopf_is_refused_is_passed_on(
    it: Watching, monkeypatch: pytest.MonkeyPatch, url: str, right: tuple[str, str, str]
) -> None:
    listed(it, "a", monkeypatch=monkeypatch)
    before = it.sources.lists
    it.kopf.on_refused(url)
    assert it.rights == [(*right, False)]
    if right[0] == "list":
        eventually(lambda: it.sources.lists > before)  # which namespace it is, to leave it out


def test_the_definition_may_come_later(
    it: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it.sources.crd = False
    watch = it.start(monkeypatch)
    eventually(lambda: it.sources.looks > 5)
    assert (it.kopf.begun, it.sources.lists, watch.listed.is_set()) == (0, 0, False)
    it.sources.crd = True
    assert watch.listed.wait(10)
    assert it.kopf.watching.wait(10)
    assert caplog.messages == ["The CRD appconfigsources.appconfig-operator.io is not installed: apply crds/"]


@pytest.mark.parametrize("end", [RuntimeError("404"), None])
def test_a_definition_that_went_is_told_at_once_and_in_place_of_the_end_of_the_watch(
    it: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, end: BaseException | None
) -> None:
    def gone() -> bool:
        it.sources.crd = False
        return True

    monkeypatch.setattr(it.sources, "gone", gone, raising=False)
    it.kopf.ends.append(end)
    it.start(monkeypatch)
    eventually(lambda: it.sources.looks > 3)
    it.sources.crd = True
    assert it.kopf.watching.wait(10)
    assert caplog.messages == [module.NOT_INSTALLED]


def test_a_proxy_on_the_way_is_named(
    it: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it.sources.proxy = "http://proxy.example:3128"
    it.sources.errors.append(UnreachableError("ProxyError"))
    it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    assert f"{API} cannot be reached (ProxyError); retrying. It is reached through the proxy" in caplog.text
    assert "http://proxy.example:3128 (HTTPS_PROXY, or proxy-url of the kubeconfig)" in caplog.text


def test_the_definition_may_go_and_come_back(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(it, "a", monkeypatch=monkeypatch)
    it.sources.crd = False
    it.kopf.on_gap()
    eventually(lambda: not it.kopf.watching.is_set())
    it.sources.crd = True
    assert it.kopf.watching.wait(10), "Kopf would have watched nothing, for ever"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, "The watch ended, and is restarted"),
        (RuntimeError("hunter2"), "The watch ended (RuntimeError), and is restarted"),
        (asyncio.CancelledError(), "The watch ended (CancelledError), and is restarted"),
        (UnreachableError("hunter2"), "The watch ended (UnreachableError), and is restarted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_watch_goes_on_whatever_ends_it(
    it: Watching,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    end: BaseException | None,
    words: str,
) -> None:
    it.kopf.ends = [end]
    it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    assert it.kopf.begun == 2
    assert caplog.messages == [words]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnreachableError("no route"), []),
        (refused(), []),
        (KeyError("hunter2"), ["Cannot check for sources whose deletion was missed (KeyError); retrying"]),
    ],
)
def test_what_was_deleted_unheard_is_looked_for_until_it_is_found(
    it: Watching,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    words: list[str],
) -> None:
    listed(it, "a", "b", monkeypatch=monkeypatch)
    it.sources.error = error
    it.kopf.on_gap()
    it.looked()
    assert it.scheduler.uids() == {"a", "b"}
    it.sources.there, it.sources.error = {"b"}, None
    eventually(lambda: it.scheduler.uids() == {"b"})
    assert caplog.messages == words


def test_an_answer_that_is_none_does_not_keep_the_sources_from_being_listed(
    it: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    it.sources.there = {"a", "b"}
    watch = it.start(monkeypatch)
    assert it.kopf.watching.wait(10)
    it.sources.error = KeyError("metadata")
    watch.put(source(uid="a"))
    it.looked()
    it.sources.there, it.sources.error = {"a"}, None
    assert watch.listed.wait(10)


def test_nothing_is_begun_after_the_end(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(it, "a", monkeypatch=monkeypatch)
    assert it.end()
    assert it.kopf.begun == 1
