"""Which requests for Leases fail, since when, and when that ends."""

from __future__ import annotations

from appconfig_operator.core.sharding.lease import Lease, shard_lease
from appconfig_operator.core.sharding.lease_failures import STALE_SECONDS, VERBS, LeaseFailures
from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, ListLeases, ReplaceLease

ONE, OTHER = (ReplaceLease(Lease(shard_lease(shard), "me", 2, 15)) for shard in (0, 1))


def test_there_is_none_at_first() -> None:
    failures = LeaseFailures()
    failures.worked(ONE)
    assert (failures.lasting(100.0), failures.words) == (0.0, "")


def test_it_lasts_from_when_the_first_request_was_sent() -> None:
    failures = LeaseFailures()
    failures.failed(ONE, "refused", sent=100, now=103)
    failures.failed(ONE, "refused", sent=104, now=107)
    assert failures.lasting(110) == 10
    failures.worked(ONE)
    assert failures.lasting(110) == 0


def test_of_one_verb_only_what_failed_last_makes_up_for_it() -> None:
    failures = LeaseFailures()
    failures.failed(ONE, "refused", sent=100, now=100)
    for other in (OTHER, ListLeases(), CreateLease(ONE.lease)):
        failures.worked(other)
    assert failures.words == "refused"


def test_the_longest_is_reported() -> None:
    failures = LeaseFailures()
    failures.failed(ListLeases(), "lists", sent=105, now=105)
    failures.failed(ONE, "updates", sent=100, now=106)
    assert (failures.words, failures.lasting(110)) == ("updates", 10)
    failures.worked(ONE)
    assert (failures.words, failures.lasting(110)) == ("lists", 5)


def test_what_is_no_longer_requested_is_forgotten() -> None:
    failures = LeaseFailures()
    failures.failed(ONE, "refused", sent=100, now=100)
    failures.tidy(100 + STALE_SECONDS)
    assert failures.words == "refused"
    failures.tidy(101 + STALE_SECONDS)
    assert failures.words == ""


def test_a_failure_after_a_long_time_is_another() -> None:
    failures = LeaseFailures()
    failures.failed(ONE, "refused", sent=100, now=100)
    failures.failed(ONE, "refused", sent=200, now=201)
    assert failures.lasting(202) == 2


def test_the_verbs_are_those_of_rbac() -> None:
    assert {ListLeases: "list", CreateLease: "create", ReplaceLease: "update", DeleteLease: "delete"} == VERBS
