"""A namespace that refuses does not delay the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube.errors import UnreachableError
from appconfig_operator.watches import deletion_sweeper
from appconfig_operator.watches.namespace_access import NamespaceAccess
from tests.support.builders import source
from tests.unit.support.watching import FakeSources, Watching, eventually

if TYPE_CHECKING:
    from collections.abc import Sequence


def access(sources: Any, *namespaces: str) -> NamespaceAccess:
    return NamespaceAccess(sources, namespaces)


def test_those_that_refuse_are_left_out_of_the_list() -> None:
    sources = FakeSources(there={"a"}, refusing={"cart"})
    it = access(sources, "shop", "cart")
    assert it.uids() == {"a"}
    assert it.refused == {"cart"}
    sources.refusing = set()
    assert it.uids() == {"a"}
    assert it.refused == frozenset()


def test_without_namespaces_the_whole_cluster_is_listed() -> None:
    class Cluster(FakeSources):
        def uids(self, namespaces: Sequence[str]) -> set[str]:
            assert not namespaces
            return self.there

    assert access(Cluster(there={"a"})).uids() == {"a"}


def test_what_is_not_refused_for_good_is_an_error_and_changes_nothing() -> None:
    sources = FakeSources(refusing={"cart"})
    it = access(sources, "shop", "cart")
    it.uids()
    sources.error = UnreachableError("away")
    with pytest.raises(UnreachableError):
        it.uids()
    assert it.refused == {"cart"}


def test_only_namespaces_that_refused_are_tried_again() -> None:
    sources = FakeSources(refusing={"cart"})
    it = access(sources, "shop", "cart")
    it.uids()
    del sources.listed[:]
    assert not it.regained()
    sources.error = KeyError("metadata")
    assert it.regained(), "the list meets it again, and its caller reports it"
    sources.error, sources.refusing = None, set()
    assert it.regained()
    assert sources.listed == ["cart"] * 3


def test_a_namespace_that_refuses_delays_no_other(
    it: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deletion_sweeper, "REFUSED_SECONDS", 0.02)
    it.sources.refusing = {"cart"}
    known = it.start("cart")
    assert known.listed.wait(10)
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


def test_a_namespace_that_is_named_twice_is_one(it: Watching) -> None:
    """Without any that answers, an empty list would mean the whole cluster."""
    it.sources.refusing = {"shop"}
    known = it.start("shop")
    it.looked(6)
    assert (it.kopf.begun, known.listed.is_set()) == (0, False)


def test_a_namespace_that_stops_refusing_before_the_watch_has_begun_is_not_left_out_for_good(
    it: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two threads list at the same time: what counts is what the running watch was started without."""
    monkeypatch.setattr(deletion_sweeper, "REFUSED_SECONDS", 0.02)
    it.sources.refusing = {"cart"}
    it.start("cart")
    assert it.kopf.watching.wait(10)
    it.access.refused, it.sources.refusing = frozenset(), set()
    it.kopf.on_gap()
    eventually(lambda: it.kopf.namespaces == ("shop", "cart"))


def test_a_namespace_that_begins_to_refuse_is_left_out(it: Watching) -> None:
    it.start("cart")
    assert it.kopf.watching.wait(10)
    assert it.kopf.namespaces == ("shop", "cart")
    it.sources.refusing = {"cart"}
    it.kopf.on_gap()
    eventually(lambda: it.kopf.namespaces == ("shop",))
    assert it.kopf.watching.wait(10)


def test_where_all_namespaces_refuse_nothing_is_forgotten(it: Watching) -> None:
    """An API server that has just started refuses what it allows a moment later."""
    it.sources.there = {"a"}
    known = it.start("cart")
    known.put(source(uid="a"))
    assert known.listed.wait(10)
    assert it.kopf.watching.wait(10)
    it.sources.refusing = {"shop", "cart"}
    it.kopf.on_gap()
    it.looked()
    assert it.scheduler.uids() == {"a"}
    assert it.kopf.begun == 1
    it.watch.end()
    it.looked()
    assert not it.access.refused
