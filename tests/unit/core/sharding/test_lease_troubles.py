"""What is known of requests for Leases that fail: since when, and from when on no more."""

from __future__ import annotations

from appconfig_operator.core.sharding.lease import Lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, ListLeases, ReplaceLease
from appconfig_operator.core.sharding.lease_troubles import STALE_SECONDS, VERBS, LeaseTroubles

ONE, OTHER = (ReplaceLease(Lease(shard_lease(shard), "me", 2, 15)) for shard in (0, 1))


def test_there_is_none_at_first() -> None:
    troubles = LeaseTroubles()
    troubles.worked(ONE)
    assert (troubles.lasting(100.0), troubles.words) == (0.0, "")


def test_it_lasts_from_when_the_first_request_was_sent() -> None:
    troubles = LeaseTroubles()
    troubles.failed(ONE, "refused", sent=100, now=103)
    troubles.failed(ONE, "refused", sent=104, now=107)
    assert troubles.lasting(110) == 10
    troubles.worked(ONE)
    assert troubles.lasting(110) == 0


def test_of_one_verb_only_what_failed_last_makes_up_for_it() -> None:
    troubles = LeaseTroubles()
    troubles.failed(ONE, "refused", sent=100, now=100)
    for other in (OTHER, ListLeases(), CreateLease(ONE.lease)):
        troubles.worked(other)
    assert troubles.words == "refused"


def test_the_longest_is_reported() -> None:
    troubles = LeaseTroubles()
    troubles.failed(ListLeases(), "lists", sent=105, now=105)
    troubles.failed(ONE, "updates", sent=100, now=106)
    assert (troubles.words, troubles.lasting(110)) == ("updates", 10)
    troubles.worked(ONE)
    assert (troubles.words, troubles.lasting(110)) == ("lists", 5)


def test_what_is_not_asked_for_any_more_is_forgotten() -> None:
    troubles = LeaseTroubles()
    troubles.failed(ONE, "refused", sent=100, now=100)
    troubles.tidy(100 + STALE_SECONDS)
    assert troubles.words == "refused"
    troubles.tidy(101 + STALE_SECONDS)
    assert troubles.words == ""


def test_a_failure_after_a_long_time_is_another() -> None:
    troubles = LeaseTroubles()
    troubles.failed(ONE, "refused", sent=100, now=100)
    troubles.failed(ONE, "refused", sent=200, now=201)
    assert troubles.lasting(202) == 2


def test_the_verbs_are_those_of_rbac() -> None:
    assert {ListLeases: "list", CreateLease: "create", ReplaceLease: "update", DeleteLease: "delete"} == VERBS
