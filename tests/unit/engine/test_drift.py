from __future__ import annotations

from dataclasses import replace

import pytest

from appconfig_operator.core import backoff
from appconfig_operator.core.errors import Reason, SourceGoneError, TransientError, WaitingError
from appconfig_operator.core.formats.render import LIMIT_BYTES
from appconfig_operator.core.target.drift import Drift, DriftKind
from tests.support.builders import content
from tests.unit.support.engine_bench import Bench, bench

SAME = content()
DELETED = Drift(DriftKind.DELETED)


def disturbed(it: Bench, what: Drift = DELETED) -> None:
    """Delete the ConfigMap behind the operator's back."""
    it.world.config_maps.clear()
    it.state.drift.found = what


def test_a_deleted_config_map_is_made_again_at_once_in_a_new_session() -> None:
    it = bench(SAME, SAME)
    it.poll()
    disturbed(it)
    it.poll(after=1)
    assert it.world.sessions == 2
    assert it.world.config_map is not None
    assert it.events == ["Synced", "Drifted"]
    assert it.state.drift.found is None


def test_a_false_alarm_writes_nothing() -> None:
    it = bench(SAME, SAME)
    it.poll()
    it.state.drift.found = Drift(DriftKind.DATA)
    it.poll(after=1)
    assert (it.world.writes, it.events) == (1, ["Synced"])


def test_a_config_map_that_went_with_its_source_is_not_made_again() -> None:
    """The watch on ConfigMaps may be the first to report it."""
    it = bench(SAME, SAME)
    it.poll()
    disturbed(it)
    it.world.gone = True
    with pytest.raises(SourceGoneError):
        it.poll(after=1)
    assert it.world.config_map is None
    assert (it.world.sessions, it.world.writes, it.events) == (1, 1, ["Synced"])


def test_a_new_version_that_comes_with_the_repair_is_told_as_both() -> None:
    it = bench(SAME, content(b"2", label="v2"))
    it.poll()
    disturbed(it)
    it.poll(after=1)
    assert it.events == ["Synced", "Drifted", "Synced"]


def test_a_repair_that_fails_is_tried_again_without_another_session() -> None:
    it = bench(SAME, SAME)
    it.poll()
    disturbed(it)
    it.world.write_errors = [TransientError(Reason.TARGET_UNAVAILABLE, "away")]
    it.poll(after=1)
    it.poll(after=1)
    assert it.world.sessions == 2
    assert it.events == ["Synced", "Drifted"]


def test_two_writers_that_fight_are_slowed_down_and_told() -> None:
    it = bench(SAME)
    it.poll()
    for _ in range(3):
        it.world.answers = [SAME]
        disturbed(it, Drift(DriftKind.DATA, "kubectl-edit"))
        it.poll(after=1)
    writes, polls = it.world.writes, it.world.polls
    disturbed(it, Drift(DriftKind.DATA, "kubectl-edit"))
    assert it.poll(after=1) == backoff.STALLED_SECONDS
    assert it.ready == ("False", "TargetConflict")
    assert "kubectl-edit" in it.state.status.stored.conditions[0].message
    assert (it.world.writes, it.world.polls) == (writes, polls)
    it.world.answers = [SAME]
    it.poll(after=backoff.STALLED_SECONDS)
    assert it.world.writes == writes + 1
    assert it.ready == ("True", "Synced")


def test_repairs_far_apart_are_no_fight() -> None:
    it = bench(SAME)
    it.poll()
    for _ in range(6):
        it.world.answers = [SAME]
        disturbed(it)
        it.poll(after=400)
    assert it.ready == ("True", "Synced")
    assert it.world.writes == 7


def test_what_cannot_be_rendered_cannot_put_anything_right() -> None:
    it = bench(SAME, content(b"x" * (LIMIT_BYTES + 1)))
    it.poll()
    disturbed(it)
    it.poll(after=1)
    assert it.ready == ("False", "TooLarge")
    assert it.state.drift.found is None
    it.poll()
    assert it.world.sessions == 2


def test_nothing_deployed_any_more_leaves_the_drift_to_the_next_poll() -> None:
    it = bench(SAME, WaitingError(Reason.NOT_DEPLOYED, "nothing"), SAME)
    it.poll()
    disturbed(it)
    assert it.poll(after=1) == 60
    it.poll()
    assert it.events == ["Synced", "NotDeployed", "Drifted", "Synced"]


def test_a_request_to_sync_that_was_handled_is_told_in_the_status() -> None:
    it = bench(SAME)
    it.source = replace(it.source, requested_at="now")
    it.poll()
    assert it.state.status.stored.last_handled_reconcile_at == "now"
