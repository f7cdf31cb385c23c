"""Deletions that the watch missed are found."""

from __future__ import annotations

import threading

import pytest

from appconfig_operator.kube.errors import UnreachableError
from appconfig_operator.watches import deletion_sweeper
from tests.support.builders import source
from tests.unit.support.watching import FakeSources, Stop, Watching, eventually, hurry, refused


def test_a_missed_deletion_is_noticed_by_the_clock(it: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion_sweeper, "SWEEP_SECONDS", 0.02)
    it.start_listed("a", "b")
    it.sources.there = {"b"}
    eventually(lambda: it.scheduler.uids() == {"b"})
    assert it.kopf.begun == 1, "the watch was not restarted for it"


def test_a_missed_deletion_is_noticed_after_a_gap(it: Watching) -> None:
    it.start_listed("a", "b")
    it.sources.there = {"b"}
    it.kopf.on_gap()
    eventually(lambda: it.scheduler.uids() == {"b"})


@pytest.mark.parametrize(("signs", "waits"), [(0, 1), (5, 6), (1000, 30)], ids=["at once", "later", "no quiet ever"])
def test_a_gap_is_followed_by_a_sweep_when_it_is_over(monkeypatch: pytest.MonkeyPatch, signs: int, waits: int) -> None:
    """Kopf gives a sign for each source, and the list of 10,000 takes it a while."""
    hurry(monkeypatch)
    it = Watching(monkeypatch)
    left, waited, lists = iter(range(signs)), [], []

    def on_wait() -> None:
        if threading.current_thread().name == "sweep":
            waited.append(1)
            if next(left, None) is not None:
                it.kopf.on_gap()

    class Sources(FakeSources):
        def uids(self, namespaces: tuple[str, ...]) -> set[str]:  # type: ignore[override]
            lists.append(len(waited))
            return super().uids(namespaces)

    it.sources, it.stop = Sources(), Stop(on_wait)
    known = it.start()
    try:
        assert known.listed.wait(10)
        assert it.kopf.watching.wait(10)
        it.stop.quick = deletion_sweeper.SETTLE_SECONDS
        del lists[:], waited[:]
        it.kopf.on_gap()
        eventually(lambda: lists)
        assert lists[0] == waits
    finally:
        assert it.end()


def test_sweeps_by_the_clock_go_on_beside_a_namespace_that_refuses(
    it: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion_sweeper, "REFUSED_SECONDS", 0.02)
    monkeypatch.setattr(deletion_sweeper, "SWEEP_SECONDS", 0.1)
    it.sources.there, it.sources.refusing = {"a", "b"}, {"cart"}
    known = it.start("cart")
    for uid in ("a", "b"):
        known.put(source(uid=uid))
    assert known.listed.wait(10)
    it.sources.there = {"b"}
    eventually(lambda: it.scheduler.uids() == {"b"})


def test_the_definition_may_go_and_come_back(it: Watching) -> None:
    it.start_listed("a")
    it.sources.crd = False
    it.kopf.on_gap()
    eventually(lambda: not it.kopf.watching.is_set())
    it.sources.crd = True
    assert it.kopf.watching.wait(10), "Kopf would have watched nothing, forever"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnreachableError("no route"), []),
        (refused(), []),
        (KeyError("hunter2"), ["Cannot check for sources whose deletion was missed (KeyError); retrying"]),
    ],
)
def test_a_failed_sweep_is_retried_until_it_succeeds(
    it: Watching,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    words: list[str],
) -> None:
    it.start_listed("a", "b")
    it.sources.error = error
    it.kopf.on_gap()
    it.looked()
    assert it.scheduler.uids() == {"a", "b"}
    it.sources.there, it.sources.error = {"b"}, None
    eventually(lambda: it.scheduler.uids() == {"b"})
    assert caplog.messages == words
