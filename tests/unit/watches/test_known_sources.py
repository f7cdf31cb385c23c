"""Which sources are known, and when all of them are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.watches.known_sources import KnownSources
from appconfig_operator.watches.namespace_access import NamespaceAccess
from tests.support.builders import source
from tests.unit.support.watching import FakeScheduler, FakeSources

if TYPE_CHECKING:
    from tests.unit.support.watching import Watching


def test_all_are_listed_once_all_have_come(it: Watching) -> None:
    it.sources.there = {"a", "b"}
    known = it.start()
    assert it.kopf.watching.wait(10)
    assert known.put(source(uid="a")) is False
    assert known.put(source(uid="a")) is True
    known.put(source(uid="new"))
    it.looked()
    assert not known.listed.is_set(), "b has not come"
    known.put(source(uid="b"))
    assert known.listed.is_set()
    assert it.scheduler.uids() == {"a", "b"}, "new is not in the list"


def test_one_that_cannot_be_read_is_not_waited_for(it: Watching) -> None:
    it.sources.there = {"a", "b"}
    known = it.start()
    assert it.kopf.watching.wait(10)
    known.put(source(uid="a"))
    it.looked()
    assert not known.listed.is_set()
    known.pass_over("b")
    assert known.listed.is_set()


def test_one_whose_deletion_is_reported_is_not_waited_for(it: Watching) -> None:
    it.sources.there = {"a", "b"}
    known = it.start()
    assert it.kopf.watching.wait(10)
    known.put(source(uid="a"))
    assert not known.listed.is_set()
    known.remove("b")
    assert known.listed.is_set()


def test_one_that_is_gone_before_it_was_reported_is_not_waited_for(it: Watching) -> None:
    it.sources.there = {"a", "b"}
    known = it.start()
    assert it.kopf.watching.wait(10)
    known.put(source(uid="a"))
    it.looked()
    assert not known.listed.is_set()
    it.sources.there = {"a"}
    assert known.listed.wait(10)


def test_without_sources_there_is_nothing_to_wait_for(it: Watching) -> None:
    assert it.start().listed.wait(10)


def test_an_unreadable_response_does_not_keep_the_sources_from_being_listed(it: Watching) -> None:
    it.sources.there = {"a", "b"}
    known = it.start()
    assert it.kopf.watching.wait(10)
    it.sources.error = KeyError("metadata")
    known.put(source(uid="a"))
    it.looked()
    it.sources.there, it.sources.error = {"a"}, None
    assert known.listed.wait(10)


def test_what_arrives_before_the_list_of_uids_is_not_the_last_one() -> None:
    scheduler: Any = FakeScheduler()
    sources: Any = FakeSources(there={"a", "b"})
    known = KnownSources(scheduler, NamespaceAccess(sources, ["shop"]))
    known.put(source(uid="a"))
    assert not known.listed.is_set()
    known.forget_deleted()
    known.put(source(uid="b"))
    assert not known.listed.is_set(), "a may be reported again"
    known.put(source(uid="a"))
    assert known.listed.is_set()
    known.put(source(uid="c"))
    assert known.listed.is_set()
