"""History stands in no version's way, and is what is really kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appconfig_operator.api.status import KeptVersion
from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import Reason, StallingError
from appconfig_operator.engine.state.history import REMEMBERED_DELETIONS
from tests.support.builders import target
from tests.unit.engine.test_history import DIGESTS, ONE, THREE, TWO, kept, respec
from tests.unit.support.engine_bench import AWAY, FORBIDDEN, Bench, bench

INVALID = StallingError(Reason.TARGET_REJECTED, "HTTP 422")


def holds(it: Bench, number: int) -> bool:
    return it.world.config_map is not None and it.world.config_map.data.data_digest == DIGESTS[number - 1]


@pytest.mark.parametrize(("error", "polls"), [(INVALID, 1), (FORBIDDEN, 3), (AWAY, 3)], ids=["422", "403", "away"])
def test_what_cannot_be_kept_is_replaced_all_the_same_and_told_once(error: Any, polls: int) -> None:
    it = bench(ONE, TWO, None, None, THREE)
    it.poll()
    it.world.keep_errors = [error] * 10
    for _ in range(polls - 1):
        it.poll(after=60)
        assert holds(it, 1)
    it.poll(after=60)
    assert holds(it, 2)
    assert it.ready == ("True", "Synced")
    assert it.events.count("HistoryNotKept") == 1
    assert kept(it) == []
    it.world.answers = [THREE]
    it.poll(after=60)
    assert holds(it, 3)
    assert it.events.count("HistoryNotKept") == 2
    it.world.keep_errors = []
    it.world.answers = [ONE]
    it.poll(after=60)
    assert kept(it) == ["v3"]
    assert it.state.history.failures == {}


def test_a_version_that_is_kept_under_its_old_number_is_not_told_as_lost() -> None:
    it = bench(ONE, TWO, ONE, TWO)
    for _ in range(3):
        it.poll()
    it.world.keep_errors = [INVALID]
    it.poll()
    assert holds(it, 2)
    assert "HistoryNotKept" not in it.events
    assert [(one.version_label, one.revision) for one in it.state.history.kept] == [("v2", 2), ("v1", 1)]


@pytest.mark.parametrize(("error", "reported"), [(INVALID, 1), (FORBIDDEN, 3), (AWAY, 3)], ids=["422", "403", "away"])
def test_what_cannot_be_dropped_fails_no_poll_and_is_tried_with_each(error: Any, reported: int) -> None:
    it = respec(bench(ONE, TWO, THREE), history_limit=1)
    it.poll()
    it.poll()
    it.world.drop_errors = [error] * 5
    for number in range(1, 6):
        it.poll()
        assert holds(it, 3)
        assert it.ready == ("True", "Synced")
        assert ("HistoryNotDeleted" in it.events) is (number >= reported)
    assert kept(it) == ["v2"]
    assert len(it.world.revisions) == 2
    it.poll()
    assert it.events.count("HistoryNotDeleted") == 1
    assert len(it.world.revisions) == 1
    assert (it.state.history.to_delete, it.state.history.failures) == ((), {})


def spares(*numbers: int) -> tuple[KeptVersion, ...]:
    return tuple(KeptVersion(f"sha256:{number}", "v", number, "2026-01-01T00:00:00Z") for number in numbers)


def test_after_a_refusal_no_other_is_tried_and_one_alone_is_in_no_others_way() -> None:
    it = bench(ONE)
    it.poll()
    it.state.history.to_delete = spares(1, 2, 3)
    it.world.drop_errors = [FORBIDDEN]
    it.poll()
    assert it.world.drop_errors == []
    assert it.state.history.to_delete == spares(2, 3, 1), "one was tried"
    it.world.drop_errors = [None, None, FORBIDDEN]
    it.poll()
    assert it.state.history.to_delete == spares(1)
    it.poll()
    assert (it.state.history.to_delete, it.state.history.failures) == ((), {})


def test_what_is_to_go_is_bounded_and_counted_again_once_it_goes() -> None:
    it = respec(bench(ONE, TWO, THREE), history_limit=1)
    it.poll()
    it.poll()
    it.state.history.to_delete = spares(*range(1, REMEMBERED_DELETIONS + 10))
    it.world.drop_errors = [FORBIDDEN] * 2
    it.poll()
    assert len(it.state.history.to_delete) == REMEMBERED_DELETIONS
    assert min(kept.revision for kept in it.state.history.to_delete) > 1, "the oldest are forgotten"
    it.poll()
    assert it.state.history.reconciled, (
        "while deletions are refused, another look would find nothing that could be done"
    )
    it.poll()
    assert (it.state.history.to_delete, it.state.history.reconciled) == ((), False)


def test_what_was_to_go_can_be_pinned() -> None:
    it = respec(bench(ONE, TWO, THREE), history_limit=1)
    it.poll()
    it.poll()
    it.world.drop_errors = [AWAY] * 5
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.world.drop_errors = []
    it.poll()
    assert holds(it, 1)
    assert DIGESTS[0] in it.world.digests_kept
    assert it.ready == ("True", "Pinned")


def test_a_list_that_is_refused_fails_two_polls_and_no_third() -> None:
    it = bench(ONE, TWO)
    it.poll()
    it.world.list_errors = [FORBIDDEN] * 10
    it.poll()
    it.poll(after=60)
    assert holds(it, 1)
    it.poll(after=60)
    assert holds(it, 2)
    assert it.events.count("HistoryNotListed") == 1
    assert kept(it) == ["v1"]


def test_what_a_killed_process_kept_is_found_and_what_is_gone_is_not_told() -> None:
    it = bench(ONE, TWO, THREE)
    for _ in range(3):
        it.poll()
    it.world.statuses.pop()  # killed before it could write the status
    it.world.revisions = {key: one for key, one in it.world.revisions.items() if key[1] != 1}
    again = it.restart()
    assert kept(again) == ["v1"]
    it.world.answers = [THREE]
    again.poll(after=500)
    assert [(one.version_label, one.revision) for one in again.state.status.stored.history] == [("v2", 2)]
    assert it.world.lists == 2
    it.world.answers = [ONE, TWO]
    again.poll()
    again.poll()
    assert it.world.lists == 2, "once a process"
    assert [one.revision for one in again.state.history.kept] == [4, 3, 2]


def test_what_is_kept_twice_goes_once() -> None:
    it = bench(ONE, TWO)
    it.poll()
    it.poll()
    data_digest, old = DIGESTS[0], it.state.history.kept[0]
    it.world.revisions[data_digest, 7] = (replace(old, revision=7), it.world.revisions[data_digest, 1][1])
    it.world.answers = [THREE]
    again = it.restart()
    again.poll(after=500)
    assert [(one.version_label, one.revision) for one in again.state.history.kept] == [("v2", 8), ("v1", 7)]
    assert (data_digest, 1) not in it.world.revisions


def test_a_settled_source_makes_no_call_after_a_restart_pinned_or_not() -> None:
    it = bench(ONE, ONE)
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    lists, reads = it.world.lists, it.world.status_reads
    pinned = Bench(it.world, replace(it.source, status=it.state.status.stored))
    pinned.state.drift.untouched = True
    it.world.answers = [ONE]
    pinned.poll(after=500)
    assert (it.world.lists, it.world.status_reads) == (lists, reads)


def test_a_status_of_another_replica_is_compared_anew() -> None:
    it = bench(ONE, TWO, THREE)
    it.poll()
    it.poll()
    forged = KeptVersion("sha256:" + "1" * 64, "v0", 7, "2026-01-01T00:00:00Z")
    it.state.refresh(replace(it.state.status.stored, history=(forged,)))
    assert not it.state.history.reconciled
    it.poll()
    assert kept(it) == ["v2", "v1"]
    assert it.state.history.kept[0].revision == 8, "a number that was reported is not given out again"


# What a process that was killed left: ConfigMaps of the source under other names.


def stray(it: Bench, name: str = "between") -> None:
    assert it.world.config_map is not None
    it.world.config_maps[name] = replace(it.world.config_map, name=name)
    it.state.delivery.strays = frozenset({name, "checkout-config"})


def test_a_stray_goes_without_a_new_version() -> None:
    it = bench(ONE, None)
    it.poll()
    stray(it)
    it.poll(after=1)
    assert it.world.released == ["between"]
    assert list(it.world.config_maps) == ["checkout-config"]
    assert it.state.delivery.strays == frozenset()
    assert it.world.polls == 1, "it was too early for AppConfig"


@pytest.mark.parametrize("answer", [AWAY, StallingError(Reason.ACCESS_DENIED, "no")], ids=["away", "denied"])
def test_a_stray_goes_while_aws_fails(answer: Exception) -> None:
    it = bench(ONE, answer)
    it.poll()
    stray(it)
    it.poll()
    assert it.world.released == ["between"]


def test_a_stray_goes_though_the_newest_version_cannot_be_written() -> None:
    it = bench(ONE)
    it.poll()
    it.world.answers = [replace(ONE, body=b"\xff" * 2_000_000)]
    stray(it)
    it.world.release_errors = [AWAY]
    it.poll()
    assert it.ready[0] == "False"
    assert it.ready[1] == "TooLarge"
    it.poll()
    assert it.world.released == ["between", "between"]


def test_a_stray_that_cannot_be_released_is_told_and_tried_again() -> None:
    it = bench(ONE)
    it.poll()
    stray(it)
    it.world.release_errors = [INVALID]
    it.poll(after=1)
    assert it.ready == ("False", "TargetRejected")
    it.poll(after=300)
    assert it.ready == ("True", "Synced")
    assert list(it.world.config_maps) == ["checkout-config"]


def test_a_stray_stays_until_the_target_is_there() -> None:
    it = bench(ONE)
    it.poll()
    it = respec(it, target=target(name="other"))
    stray(it)
    it.world.write_errors = [StallingError(Reason.TARGET_NOT_OWNED, "foreign")]
    it.world.answers = [ONE]
    it.poll()
    assert it.world.released == []
    it.poll(after=300)
    assert set(it.world.released) == {"checkout-config", "between"}
    assert list(it.world.config_maps) == ["other"]


def test_nothing_is_given_up_by_a_spec_that_is_outdated() -> None:
    """The ConfigMap of the newer spec would look like a stray."""
    it = bench(ONE)
    it.poll()
    stray(it, "of the newer spec")
    it.world.newest_generation = it.source.generation + 1
    it.poll(after=1)
    assert it.result == "Outdated"
    assert it.world.released == []


def test_nothing_is_given_up_where_another_replica_has_written_elsewhere() -> None:
    it = bench(ONE)
    it.poll()
    stray(it)
    written = it.state.status.written
    assert written is not None
    it.world.newest = replace(it.state.status.stored, target=replace(written, name="between"))
    it.poll(after=1)
    assert it.world.released == []


def test_a_new_spec_goes_on_with_the_strays() -> None:
    it = bench(ONE)
    it.poll()
    stray(it)
    again = respec(it, target=target(labels={"a": "b"}, creation_policy=CreationPolicy.ORPHAN))
    assert again.state.delivery.strays == it.state.delivery.strays
