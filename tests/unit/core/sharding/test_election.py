"""One replica by hand: what it asks for at which time, and what it makes of the answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.sharding.assignment import assign
from appconfig_operator.core.sharding.election import Change, Election
from appconfig_operator.core.sharding.held_lease import NEVER
from appconfig_operator.core.sharding.lease import Lease, member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, Failure, ListLeases, ReplaceLease
from appconfig_operator.core.sharding.membership import Replica
from tests.unit.support.leases_world import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.core.sharding.lease_requests import Answer, Request

DURATION = 15
VALID = 12.0


class ElectionBench:
    """A replica, the API server, and a clock."""

    def __init__(self, identity: str = "me", *, shards: int = 1, store: Store | None = None) -> None:
        self.me = Replica(identity, shards, DURATION)
        self.election = Election(self.me)
        self.store = store or Store()
        self.now = 100.0
        self.asked: list[Request] = []
        self.changes: list[tuple[Change, int]] = []

    def ask(self) -> Request | None:
        request = self.election.next(self.now)
        if request is not None:
            self.asked.append(request)
        return request

    def answer(self, answer: Answer) -> None:
        self.changes += self.election.answered(answer, self.now)

    def step(self) -> Request | None:
        request = self.ask()
        if request is not None:
            self.answer(self.store.carry_out(request))
        return request

    def rest(self) -> None:
        """Go on until there is nothing to do now."""
        for _ in range(100):
            if self.step() is None:
                return
        pytest.fail("there is no end to it")

    def run(self, seconds: float) -> None:
        """Let time go by, and do what is due."""
        end = self.now + seconds
        self.rest()
        while (wake := self.election.wake()) <= end:
            self.now = max(self.now, wake)
            self.rest()
        self.now = end

    def until(self, condition: Callable[[Request], bool]) -> Request:
        """Go on until there is such a request, which is not carried out."""
        for _ in range(100):
            request = self.ask()
            if request is None:
                self.now = self.election.wake()
            elif condition(request):
                return request
            else:
                self.answer(self.store.carry_out(request))
        pytest.fail("it never asked for that")

    @property
    def held(self) -> list[int]:
        return sorted(shard for shard, held_lease in self.election.held.items() if held_lease.until > self.now)

    def other(self, name: str, holder: str = "other", *, shards: int | None = None, duration: int = DURATION) -> Lease:
        """Let another replica write a Lease."""
        lease = Lease(name, holder, shards or self.me.shards, duration)
        there = self.store.leases.get(name)
        written = self.store.carry_out(
            CreateLease(lease)
            if there is None
            else ReplaceLease(replace(lease, uid=there.uid, version=there.version, transitions=there.transitions + 1))
        )
        assert isinstance(written, Lease)
        return written

    def other_joins(self, *, shards: int | None = None) -> None:
        self.other(member_lease("other"), shards=shards)


def is_shard(request: Request) -> bool:
    return isinstance(request, ReplaceLease | CreateLease) and request.lease.shard is not None


def is_write(request: Request) -> bool:
    return isinstance(request, ReplaceLease | CreateLease)


def is_release(request: Request) -> bool:
    return isinstance(request, ReplaceLease) and not request.lease.holder


def is_delete(request: Request) -> bool:
    return isinstance(request, DeleteLease)


def about(name: str) -> Callable[[Request], bool]:
    return lambda request: not isinstance(request, ListLeases) and request.lease.name == name


def test_it_looks_shows_itself_looks_again_and_takes_all() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    assert [type(request) for request in bench.asked] == [ListLeases, CreateLease, ListLeases, CreateLease, CreateLease]
    assert bench.changes == [(Change.GAINED, 0), (Change.GAINED, 1)]
    assert bench.held == [0, 1]
    assert bench.election.members == 1


def test_alone_it_asks_for_little() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.asked.clear()
    bench.run(60)
    # Member, two shards and a list, each five seconds.
    assert len(bench.asked) == 4 * 12
    assert bench.held == [0, 1]


def test_while_another_is_there_it_looks_each_second() -> None:
    bench = ElectionBench()
    bench.other_joins()
    bench.rest()
    bench.asked.clear()
    bench.run(4.5)
    assert sum(isinstance(request, ListLeases) for request in bench.asked) == 4


def test_a_lease_may_be_relied_on_from_before_it_was_asked_for_less_a_margin() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    sent = bench.now
    bench.now += 3
    bench.answer(bench.store.carry_out(request))
    assert bench.election.held[0].until == sent + VALID


@pytest.mark.parametrize(("duration", "valid"), [(5, 4.0), (15, 12.0), (4, 3.0), (300, 240.0)])
def test_the_margin_is_a_fifth_and_a_second_at_least(duration: int, valid: float) -> None:
    assert Replica("me", 1, duration).valid == valid


def test_a_lease_of_another_has_expired_when_it_was_seen_unchanged_for_its_own_duration() -> None:
    bench = ElectionBench()
    bench.other(shard_lease(0), duration=7)
    bench.run(6.9)
    assert bench.held == []
    bench.run(0.1)
    assert bench.held == [0]
    assert bench.store.leases[shard_lease(0)].transitions == 1


def test_a_lease_of_another_that_is_renewed_does_not_expire() -> None:
    bench = ElectionBench()
    bench.other_joins()
    for _ in range(10):
        bench.other(shard_lease(0))
        bench.run(10)
    assert bench.held == []


def test_who_heard_nothing_for_long_looks_before_it_takes_anything_for_expired() -> None:
    bench = ElectionBench()
    bench.other(shard_lease(0))
    bench.rest()
    bench.now += 100
    bench.asked.clear()
    bench.other(shard_lease(0))  # it lives: only this replica was away
    bench.rest()
    assert all(request.lease.shard is None for request in bench.asked if not isinstance(request, ListLeases))
    assert bench.held == []


def test_a_shard_meant_for_another_is_released_after_its_hand_over() -> None:
    shards = 8
    bench = ElectionBench(shards=shards)
    bench.rest()
    bench.other_joins()
    bench.run(5)
    theirs = {shard for shard, owner in assign(shards, ["me", "other"]).items() if owner == "other"}
    assert bench.election.leaving() == theirs
    assert bench.election.members == 2
    assert len(bench.held) == shards, "until then it goes on"
    shard = min(theirs)
    bench.election.release(shard)
    bench.rest()
    assert bench.changes[-1] == (Change.RELEASED, shard)
    assert bench.store.leases[shard_lease(shard)].holder == ""
    assert shard not in bench.held


def test_what_is_meant_for_me_and_free_is_taken_within_a_second() -> None:
    bench = ElectionBench(shards=2)
    bench.other_joins()
    mine = next(shard for shard, owner in assign(2, ["me", "other"]).items() if owner == "me")
    bench.other(shard_lease(mine))
    bench.other(shard_lease(1 - mine))
    bench.run(5)
    assert bench.held == []
    bench.other(shard_lease(mine), "")
    bench.run(1)
    assert bench.held == [mine]


def test_a_lease_that_another_has_taken_is_lost() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.other(shard_lease(0))
    held_lease = bench.election.held[0]
    bench.run(5)
    assert bench.changes[-1] == (Change.LOST, 0)
    assert held_lease.until == NEVER, "who still asks is told so"


def test_a_lease_that_was_deleted_is_lost_and_made_anew() -> None:
    bench = ElectionBench()
    bench.rest()
    del bench.store.leases[shard_lease(0)]
    bench.run(5)
    assert bench.changes[1:] == [(Change.LOST, 0), (Change.GAINED, 0)]


def test_a_lapsed_lease_that_nobody_took_is_held_again() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.now += 60
    assert bench.held == []
    assert 0 in bench.election.held
    bench.rest()
    assert bench.held == [0]
    assert bench.changes == [(Change.GAINED, 0)]


def test_a_lapsed_lease_that_went_to_another_and_came_back_is_another() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.other(shard_lease(0))
    bench.other(shard_lease(0), "me")
    bench.now += 60
    bench.rest()
    assert bench.changes == [(Change.GAINED, 0), (Change.LOST, 0), (Change.GAINED, 0)]


def test_after_a_lost_answer_it_waits_a_moment_and_reads_again() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    assert bench.step() is None
    assert bench.election.wake() == bench.now + 1
    bench.now += 1
    assert isinstance(bench.step(), ListLeases)
    bench.rest()
    assert bench.held == [0], "it was created, and is taken up"
    assert bench.store.leases[shard_lease(0)].transitions == 1


def test_a_lost_renewal_is_made_again_and_costs_nothing() -> None:
    bench = ElectionBench()
    bench.rest()
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.run(2)
    assert bench.changes == [(Change.GAINED, 0)]
    assert bench.election.held[0].until > bench.now + VALID - 2


def test_a_renewal_that_changed_nothing_does_not_count() -> None:
    bench = ElectionBench()
    bench.rest()
    until = bench.election.held[0].until
    bench.until(is_shard)
    bench.answer(bench.store.leases[shard_lease(0)])
    assert bench.election.held[0].until == until
    bench.run(1)
    assert bench.election.held[0].until > until


def test_nothing_is_taken_while_the_own_member_lease_has_lapsed() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.now += 60
    bench.until(lambda request: isinstance(request, ReplaceLease) and request.lease.shard is None)
    bench.answer(bench.store.leases[member_lease("me")])  # a renewal that changed nothing
    del bench.store.leases[shard_lease(0)]
    bench.rest()
    assert bench.changes[1:] == [(Change.LOST, 0)]
    bench.run(1)
    assert bench.held == [0]


def test_a_member_that_was_created_without_an_answer_is_renewed_before_anything_is_taken() -> None:
    bench = ElectionBench()
    request = bench.until(lambda request: isinstance(request, CreateLease))
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.asked.clear()
    bench.run(1)
    assert [type(request) for request in bench.asked] == [ListLeases, ReplaceLease, CreateLease]
    assert bench.held == [0]


def test_an_answer_that_comes_too_late_gives_nothing() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    answer = bench.store.carry_out(request)
    bench.now += VALID
    bench.answer(answer)
    assert bench.changes == []
    bench.rest()
    assert bench.held == [0], "it is taken up with another write"


def test_a_release_without_an_answer_ends_the_right_to_poll() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins()
    bench.run(5)
    (shard,) = bench.election.leaving()
    bench.election.release(shard)
    bench.until(is_release)
    assert shard not in bench.held
    bench.answer(Failure.UNKNOWN)
    bench.election.keep(shard)  # say the other has gone meanwhile
    bench.run(1)
    assert shard in bench.held, "after the next renewal, it may be relied on"


def test_a_release_that_was_carried_out_without_an_answer_is_found() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins()
    bench.run(5)
    (shard,) = bench.election.leaving()
    bench.election.release(shard)
    bench.store.carry_out(bench.until(is_release))
    bench.answer(Failure.UNKNOWN)
    bench.run(1)
    assert bench.changes[-1] == (Change.RELEASED, shard)


def test_a_conflict_is_read_again_at_once_and_from_the_second_on_with_a_pause() -> None:
    bench = ElectionBench()
    bench.until(is_shard)
    bench.answer(Failure.CONFLICT)
    assert isinstance(bench.step(), ListLeases)
    assert is_shard(bench.until(is_shard))
    bench.answer(Failure.CONFLICT)
    assert bench.election.failures == 2
    assert bench.step() is None
    assert bench.election.wake() == bench.now + 1


def test_the_lease_of_a_dead_member_is_deleted() -> None:
    bench = ElectionBench()
    bench.other_joins()
    bench.run(DURATION)
    assert set(bench.store.leases) == {member_lease("me"), shard_lease(0)}


def test_what_somebody_else_has_deleted_before_is_no_failure() -> None:
    bench = ElectionBench()
    bench.other_joins()
    request = bench.until(lambda request: isinstance(request, DeleteLease))
    bench.store.carry_out(request)
    bench.answer(bench.store.carry_out(request))
    assert bench.election.failures == 0
    bench.rest()
    assert bench.election.members == 1


def test_leases_of_shards_that_there_are_no_more_are_deleted() -> None:
    bench = ElectionBench(shards=2)
    bench.other(shard_lease(5), "", shards=6)
    bench.rest()
    assert set(bench.store.leases) == {member_lease("me"), shard_lease(0), shard_lease(1)}


@pytest.mark.parametrize("name", [member_lease("other"), shard_lease(3)])
def test_nothing_is_taken_while_another_number_of_shards_is_seen(name: str) -> None:
    bench = ElectionBench(shards=2)
    bench.other(name, shards=4)
    bench.run(DURATION - 1)
    assert bench.held == []
    assert bench.election.mismatched_replicas == [name]
    bench.run(1)
    assert bench.election.mismatched_replicas == []
    assert bench.held == [0, 1]
    assert name not in bench.store.leases, "deleted, so that it cannot come back by a late renewal"


def test_what_is_held_is_kept_while_another_number_of_shards_is_seen() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins(shards=4)
    bench.other(member_lease("third"), "third")
    bench.other(shard_lease(3), "", shards=4)
    bench.run(DURATION - 1)
    assert bench.held == [0, 1]
    assert bench.election.leaving() == set()
    assert shard_lease(3) in bench.store.leases


def test_a_lease_that_is_held_by_mistake_is_let_go() -> None:
    """A create without an answer, and meanwhile there is a replica with another number of shards."""
    bench = ElectionBench(shards=2)
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.other_joins(shards=4)
    bench.run(1)
    assert bench.store.leases[shard_lease(0)].holder == ""


def test_a_lease_without_a_duration_expires_after_ones_own() -> None:
    bench = ElectionBench()
    bench.store.carry_out(CreateLease(Lease(shard_lease(0), "other", 1, None)))
    bench.run(DURATION)
    assert bench.held == [0]


def test_at_the_end_all_is_given_away_and_the_member_leaves_first() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.asked.clear()
    bench.election.stop()
    bench.rest()
    (request,) = bench.asked
    assert isinstance(request, ReplaceLease)
    assert (request.lease.name, request.lease.holder) == (member_lease("me"), "")
    assert bench.election.leaving() == {0, 1}
    assert bench.held == [0, 1]
    assert not bench.election.finished
    bench.run(10)
    assert bench.held == [0, 1], "a hand-over may take its time"
    for shard in (0, 1):
        bench.election.release(shard)
    bench.rest()
    assert bench.election.finished
    assert {lease.holder for lease in bench.store.leases.values()} == {""}
    assert isinstance(bench.asked[-1], DeleteLease)
    assert set(bench.store.leases) == {shard_lease(0), shard_lease(1)}


def test_at_the_end_what_went_wrong_is_tried_again_soon() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.election.stop()
    bench.until(is_release)
    bench.answer(Failure.UNKNOWN)
    assert bench.election.wake() == bench.now + 0.25
    bench.run(1)
    bench.election.release(0)
    bench.rest()
    assert bench.election.finished


def test_at_the_end_what_is_held_by_mistake_is_let_go_too() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.election.stop()
    bench.rest()
    assert bench.election.finished
    assert bench.store.leases[shard_lease(0)].holder == ""


def test_a_replica_that_takes_over_has_the_shards_of_one_that_stopped_within_a_second() -> None:
    first = ElectionBench("me", shards=4)
    first.rest()
    second = ElectionBench("other", shards=4, store=first.store)
    second.now = first.now
    second.rest()
    first.election.stop()
    for shard in range(4):
        first.election.release(shard)
    first.rest()
    second.run(1)
    assert second.held == [0, 1, 2, 3]
    assert first.election.finished


# What is refused for long: nothing else waits for it.


def test_all_is_taken_before_anything_is_deleted_and_a_refused_delete_holds_nothing_up() -> None:
    """As after an ordinary restart: the Lease of the process before has expired, and may not be deleted."""
    bench = ElectionBench(shards=2, store=Store(refuses=is_delete))
    for name in (member_lease("before"), shard_lease(0), shard_lease(1)):
        bench.other(name, "before")
    bench.run(DURATION)
    assert bench.held == [0, 1]
    tried = [type(request) for request in bench.asked].index(DeleteLease)
    assert all(map(is_write, bench.asked[tried - 2 : tried]))
    bench.asked.clear()
    bench.run(300)
    assert bench.held == [0, 1]
    assert bench.changes == [(Change.GAINED, 0), (Change.GAINED, 1)]
    assert sum(map(is_delete, bench.asked)) == 5, "one a minute"
    assert sum(isinstance(request, ListLeases) for request in bench.asked) < 310
    assert bench.election.failures == 0


def test_what_has_expired_and_cannot_be_deleted_is_set_free_so_that_nobody_waits_for_it_again() -> None:
    bench = ElectionBench(shards=8, store=Store(refuses=is_delete))
    bench.other(member_lease("before"), "before")
    bench.run(DURATION)
    assert bench.store.leases[member_lease("before")].holder == ""
    assert sum(map(about(member_lease("before")), bench.asked)) == 2, "a delete, and a write in its place"
    bench.election.stop()
    for shard in range(8):
        bench.election.release(shard)
    bench.rest()
    second = ElectionBench("second", shards=8, store=bench.store)
    second.rest()
    assert second.held == list(range(8))


def test_what_can_neither_be_deleted_nor_set_free_holds_nothing_up() -> None:
    bench = ElectionBench(shards=2)
    bench.other(member_lease("before"), "before")
    bench.store.refuses = about(member_lease("before"))
    bench.run(DURATION)
    bench.asked.clear()
    bench.run(120)
    assert bench.held == [0, 1]
    assert sum(map(about(member_lease("before")), bench.asked)) == 4, "both once a minute"


def test_of_two_that_cannot_be_deleted_each_has_its_turn() -> None:
    bench = ElectionBench()
    for name in ("a", "b"):
        bench.other(member_lease(name), name)
    bench.store.refuses = about(member_lease("a"))
    bench.run(DURATION + 130)
    assert set(bench.store.leases) == {member_lease("me"), member_lease("a"), shard_lease(0)}


def test_expired_leases_of_another_number_of_shards_are_fenced_without_the_right_to_delete() -> None:
    bench = ElectionBench(shards=2, store=Store(refuses=is_delete))
    theirs = [bench.other(name, shards=4) for name in (member_lease("other"), shard_lease(0), shard_lease(3))]
    bench.run(DURATION)
    assert bench.held == [0, 1]
    for lease in theirs:
        assert bench.store.carry_out(ReplaceLease(lease)) is Failure.CONFLICT, "it cannot be renewed late"


def test_a_fence_that_is_refused_takes_nothing_and_holds_nothing_up_that_is_held() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins(shards=4)
    bench.store.refuses = about(member_lease("other"))
    del bench.store.leases[shard_lease(1)]
    bench.run(120)
    assert bench.held == [0], "nothing is taken beside a replica that may come back"
    assert bench.election.failures > 0
    bench.store.refuses = lambda _: False
    bench.run(2)
    assert bench.held == [0, 1]


def test_who_was_fenced_joins_again() -> None:
    bench = ElectionBench()
    bench.rest()
    for name in (member_lease("me"), shard_lease(0)):
        bench.other(name, "")
    bench.now += 60
    bench.run(2)
    assert bench.changes == [(Change.GAINED, 0), (Change.LOST, 0), (Change.GAINED, 0)]
    assert bench.store.leases[member_lease("me")].holder == "me"


@pytest.mark.parametrize("refused", [shard_lease(0), member_lease("me")])
def test_one_lease_that_cannot_be_renewed_costs_the_others_nothing(refused: str) -> None:
    bench = ElectionBench(shards=8)
    bench.rest()
    bench.store.refuses = about(refused)
    for _ in range(300):
        bench.run(0.5)
        assert set(bench.held) >= set(range(1, 8))
    assert bench.election.failures > 0


def test_one_shard_that_cannot_be_taken_does_not_stand_before_the_others() -> None:
    bench = ElectionBench(shards=8, store=Store(refuses=about(shard_lease(0))))
    bench.run(3)
    assert bench.held == list(range(1, 8))


@pytest.mark.parametrize("refused", [shard_lease(0), member_lease("me")])
def test_one_lease_that_cannot_be_set_free_does_not_stand_before_the_others(refused: str) -> None:
    bench = ElectionBench(shards=4)
    bench.rest()
    bench.election.stop()
    for shard in range(4):
        bench.election.release(shard)
    bench.store.refuses = about(refused)
    bench.run(2)
    assert [lease.name for lease in bench.store.leases.values() if lease.holder] == [refused]
    assert not bench.election.finished
    bench.store.refuses = lambda _: False
    bench.run(2)
    assert bench.election.finished


def test_at_the_end_a_delete_that_is_refused_is_not_waited_for() -> None:
    bench = ElectionBench(store=Store(refuses=is_delete))
    bench.rest()
    bench.election.stop()
    bench.election.release(0)
    bench.rest()
    assert bench.election.finished
    assert {lease.holder for lease in bench.store.leases.values()} == {""}


def test_at_the_end_a_delete_of_what_another_has_changed_is_not_tried_again() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.election.stop()
    bench.election.release(0)
    bench.until(is_delete)
    bench.answer(Failure.CONFLICT)
    bench.rest()
    assert bench.election.finished


def test_what_is_held_is_renewed_while_lists_are_refused_and_nothing_is_moved() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.store.refuses = lambda request: isinstance(request, ListLeases)
    bench.other_joins()
    for _ in range(120):
        bench.run(1)
        assert bench.held == [0, 1]
    assert bench.election.leaving() == set()
    assert bench.election.failures > 0
    bench.store.refuses = lambda _: False
    bench.other_joins()
    bench.run(2)
    assert len(bench.election.leaving()) == 1
