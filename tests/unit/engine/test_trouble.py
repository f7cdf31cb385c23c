"""Several things go wrong at once: nothing good is lost, and no session is opened in vain (each one is billed)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appconfig_operator.core.errors import Reason, StallingError, TransientError
from appconfig_operator.core.formats.render import LIMIT_BYTES
from appconfig_operator.core.target.drift import Drift, DriftKind
from tests.support.builders import content, target
from tests.unit.engine.test_history import DIGESTS, ONE, TWO, respec
from tests.unit.support.engine_bench import AWAY, THROTTLED, Bench, bench

TOO_LARGE = content(b"x" * (LIMIT_BYTES + 1), label="big")


def pinned(*answers: object) -> Bench:
    """Roll back from the second version to the first."""
    it = bench(ONE, TWO, *(answers or (TWO,)))
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    return it


def holds(it: Bench, data_digest: str) -> bool:
    return it.world.config_map is not None and it.world.config_map.data.data_digest == data_digest


def deleted(it: Bench) -> None:
    it.world.config_maps.clear()
    it.state.drift.found = Drift(DriftKind.DELETED)


def test_a_pinned_config_map_that_went_while_the_operator_was_down_comes_back() -> None:
    it = pinned()
    it.world.config_maps.clear()
    again = it.restart()
    again.world.answers = [TWO]
    again.poll()
    assert holds(again, DIGESTS[0])


def test_a_request_to_sync_does_not_make_the_drift_of_a_pinned_one_forgotten() -> None:
    it = pinned()
    deleted(it)
    again = Bench(it.world, replace(it.source, requested_at="now"))
    again.state = again.sessions.restart(again.source, it.state)
    it.world.answers = [TWO]
    again.poll()
    assert holds(again, DIGESTS[0])


def test_a_pinned_one_is_put_right_though_the_newest_version_cannot_be_written() -> None:
    it = pinned(TOO_LARGE)
    deleted(it)
    it.world.answers = [TOO_LARGE]
    it.world.history_errors = [AWAY]
    it.poll(after=1)
    it.poll(after=1)
    assert holds(it, DIGESTS[0])


def test_a_pinned_one_is_put_right_without_a_session_for_each_try() -> None:
    it = pinned()
    deleted(it)
    it.world.answers = [TWO]
    it.world.history_errors = [AWAY] * 10
    sessions = it.world.sessions
    for _ in range(11):
        it.poll(after=1)
    assert it.world.sessions == sessions + 1
    assert holds(it, DIGESTS[0])


def test_the_current_version_is_kept_when_it_is_pinned() -> None:
    it = bench(ONE, ONE, TWO)
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    it.poll()
    deleted(it)
    it.world.answers = [TWO]
    it.poll(after=1)
    assert holds(it, DIGESTS[0])


def test_the_current_version_is_pinned_and_renamed_at_once() -> None:
    it = bench(ONE, TWO)
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0], target=target(name="other"))
    it.poll()
    assert it.ready == ("True", "Pinned")
    assert it.world.config_maps["other"].data.data_digest == DIGESTS[0]


@pytest.mark.parametrize("error", [StallingError(Reason.ACCESS_DENIED, "no"), THROTTLED], ids=["denied", "throttled"])
def test_a_rollback_works_while_aws_fails(error: Exception) -> None:
    it = bench(ONE, TWO)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.world.answers = [error]
    it.poll()
    assert holds(it, DIGESTS[0])


def test_what_was_received_is_written_while_aws_fails() -> None:
    it = bench(ONE)
    it.world.write_errors = [AWAY]
    it.poll()
    it.world.answers = [TransientError(Reason.THROTTLED, "slow")]
    it.poll()
    assert holds(it, DIGESTS[0])


@pytest.mark.parametrize("last", ["c", "checkout-config"], ids=["on to another", "back again"])
def test_a_target_changed_again_before_the_old_one_was_given_up_leaves_none(last: str) -> None:
    it = bench(ONE, ONE, ONE)
    it.poll()
    it = respec(it, target=target(name="b"))
    it.world.release_errors = [AWAY]
    it.poll()
    left, written = it.state.delivery.unreleased, it.state.status.written
    it = respec(it, target=target(name=last))
    it.state.delivery.unreleased, it.state.status.written = left, written  # as the scheduler hands them on
    it.poll()
    assert list(it.world.config_maps) == [last]


def test_a_refused_replacement_is_not_noted_as_replaced_again_and_again() -> None:
    it = bench(ONE, TWO)
    it.poll()
    refuse = StallingError(Reason.TARGET_REJECTED, "immutable")
    it.world.refuse_after_keep = refuse
    for _ in range(5):
        it.poll(after=300)
    assert len(it.world.statuses) == 2
    assert [kept.revision for kept in it.state.history.kept] == [1]


def test_a_false_alarm_costs_no_session() -> None:
    it = bench(ONE)
    it.poll()
    for _ in range(10):
        it.state.drift.found = Drift(DriftKind.DATA, "argocd")
        it.poll(after=1)
    assert it.world.sessions == 1
    assert it.state.drift.found is None


def test_a_request_that_is_taken_away_writes_nothing_after_a_restart() -> None:
    it = bench(ONE, ONE)
    it.source = replace(it.source, requested_at="now")
    it.poll()
    it.source = replace(it.source, requested_at="")
    it.restart().poll()
    assert len(it.world.statuses) == 1
