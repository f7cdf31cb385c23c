"""How a source begins: again, after a restart, or with what another replica handed over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.api.status import KeptVersion, Status
from appconfig_operator.api.v1alpha1 import Format
from appconfig_operator.core.errors import BusyError, RateLimitedError
from appconfig_operator.core.status.state import State, state_of
from appconfig_operator.core.target.drift import Drift, DriftKind
from tests.support.builders import content, source, spec, target
from tests.unit.support.engine_bench import AWAY, FOREIGN, NOT_DEPLOYED, NOT_FOUND, THROTTLED, Bench, bench
from tests.unit.support.engine_fakes import World

if TYPE_CHECKING:
    from appconfig_operator.core.formats.content import Content
    from appconfig_operator.core.sharding.handover import HandedOver

BROKEN = content(b"{", label="broken")

CHANGED = Drift(DriftKind.DATA)


def synced(*later: object) -> Bench:
    it = bench(content(label="v1"), *later)
    it.poll()
    it.source = replace(it.source, status=it.state.status.stored)
    return it


def handed_over(it: Bench, due: float | None = None) -> HandedOver | None:
    return it.sessions.export(it.source, it.state, it.state.fetch.next_call_at if due is None else due)


def took_over(it: Bench, given: HandedOver | None) -> Bench:
    """Go on in another process."""
    again = Bench(it.world, it.source)
    start = again.sessions.start(again.source, given)
    again.state, again.delay = start.poll_state, start.delay
    return again


def test_a_new_source_is_first_and_at_once() -> None:
    start = World().starting().start(source(), None)
    assert (start.delay, start.first) == (0.0, True)


@pytest.mark.parametrize(("random", "delay"), [(0.0, 0.0), (0.25, 15.0), (0.99, 59.4)])
def test_what_is_synced_is_spread_over_its_interval_after_a_restart(random: float, delay: float) -> None:
    it = synced()
    it.world.random = random
    stalled = replace(it.source, status=replace(it.source.status, target=None))
    assert it.sessions.start(stalled, None).delay == 0.0, "never synced"
    start = it.sessions.start(it.source, None)
    assert (start.delay, start.first) == (delay, False)


def test_what_is_not_ready_is_polled_at_once_after_a_restart() -> None:
    """The restart may have brought what was missing: credentials, a right."""
    it = synced(NOT_FOUND)
    it.world.random = 0.5
    it.poll()
    it.source = replace(it.source, status=it.state.status.stored)
    assert state_of(it.source.status.conditions, suspended=False) is State.STALLED
    start = it.sessions.start(it.source, None)
    assert (start.delay, start.first) == (0.0, False)


@pytest.mark.parametrize(
    "changes",
    [{"generation": 2}, {"requested_at": "now"}],
    ids=["another spec", "a sync asked for"],
)
def test_what_waits_for_a_poll_gets_it_at_once(changes: dict[str, object]) -> None:
    it = synced()
    it.world.random = 0.5
    given = handed_over(it)
    waiting = replace(it.source, **changes)  # type: ignore[arg-type]
    assert it.sessions.start(waiting, None).delay == 0.0
    sessions = it.world.sessions
    assert it.sessions.start(waiting, given).delay == 0.0
    assert it.world.sessions == sessions + 1, "the session was for another spec, or is not to be gone on with"


def test_a_session_goes_on_when_it_is_due_and_brings_nothing_twice() -> None:
    it = synced()
    it.world.now += 20
    given = handed_over(it)
    assert given is not None
    assert (given.uid, given.generation, given.latest_data_digest) == (
        it.source.uid,
        1,
        it.state.delivery.latest_data_digest,
    )
    assert given.due - given.issued == 60
    it.world.now += 10
    again = took_over(it, given)
    assert again.delay == 30
    assert again.state.delivery.latest_data_digest == it.state.delivery.latest_data_digest
    assert handed_over(again) == given, "handed on, it is no younger"
    assert again.poll(after=30) == 60
    assert (it.world.sessions, it.world.writes, len(it.world.statuses), it.world.status_reads) == (2, 1, 1, 0)
    assert again.result == "Unchanged"


def test_a_session_that_was_taken_over_is_not_called_before_its_time() -> None:
    it = synced()
    again = took_over(it, handed_over(it))
    polls = it.world.polls
    again.poll(after=1)
    assert it.world.polls == polls
    again.poll(after=59)
    assert it.world.polls == polls + 1


def test_a_token_too_old_is_not_gone_on_with() -> None:
    it = synced()
    given = handed_over(it)
    it.world.now += 86_400
    sessions = it.world.sessions
    took_over(it, given)
    assert it.world.sessions == sessions + 2


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda it: it.world.write_errors.append(AWAY), id="not written yet"),
        pytest.param(lambda it: it.world.write_errors.append(FOREIGN), id="not written, and stalled"),
        pytest.param(lambda it: it.world.answers.__setitem__(0, BROKEN), id="cannot be written"),
    ],
)
def test_a_version_that_is_not_written_comes_again_in_a_new_session(trouble: object) -> None:
    it = synced(content(b"2", label="v2"))
    it.source = replace(it.source, spec=spec(target=target(format=Format.JSON)))
    trouble(it)  # type: ignore[operator]
    it.poll()
    assert handed_over(it) is None


def test_a_config_map_that_is_to_be_put_right_needs_a_new_session() -> None:
    it = synced()
    it.state.drift.found = Drift(DriftKind.DELETED)
    assert handed_over(it) is None


def test_a_config_map_that_is_to_be_given_up_is_not_forgotten() -> None:
    it = synced()
    it.state.delivery.unreleased = frozenset({"checkout-config", "the one before"})
    assert handed_over(it) is None


def test_nothing_is_handed_over_without_a_good_token_of_this_spec() -> None:
    it = synced()
    assert it.sessions.export(replace(it.source, spec=spec(suspend=True)), it.state, 0.0) is None
    assert it.sessions.export(replace(it.source, generation=2), it.state, 0.0) is None
    it.state.fetch.session.token = None  # type: ignore[attr-defined]
    assert handed_over(it) is None


def test_a_session_that_waits_for_a_deployment_goes_on_too() -> None:
    it = bench(NOT_DEPLOYED)
    it.poll()
    it.source = replace(it.source, status=it.state.status.stored)
    given = handed_over(it)
    assert given is not None
    assert given.due - given.issued == 60


def test_throttling_is_no_reason_to_give_a_session_up() -> None:
    it = synced(THROTTLED)
    it.poll()
    assert handed_over(it) is not None


def test_a_session_that_was_begun_and_never_answered_goes_on_too() -> None:
    """Its token is a moment old, however long the machine has been up."""
    it = synced(THROTTLED)
    it.world.now += 10 * 86_400.0
    again = took_over(it, None)
    again.state.fetch.session.delivered = False  # type: ignore[attr-defined]
    again.poll()
    given = handed_over(again)
    assert given is not None
    sessions = it.world.sessions
    took_over(it, given)
    assert it.world.sessions == sessions + 1, "that of the bench alone"


@pytest.mark.parametrize(
    "again",
    [
        content(label="v1"),
        content(label="v1", modified_time="2026-01-01T00:00:00Z"),
        content(label="v1", modified_time="2026-03-03T00:00:00Z"),
    ],
    ids=["as it was", "with no time at first", "deployed again since"],
)
@pytest.mark.parametrize("first", ["", "2026-02-02T00:00:00Z"], ids=["without a time", "with a time"])
def test_the_same_version_after_a_restart_is_no_write_whenever_it_was_deployed(first: str, again: Content) -> None:
    it = bench(content(label="v1", modified_time=first), again)
    it.poll()
    later = it.restart()
    later.state.drift.untouched = True
    later.poll(after=500)
    assert later.result == "Unchanged"
    assert (it.world.status_reads, it.world.writes, len(it.world.statuses)) == (0, 1, 1)
    assert later.state.status.received is not None
    assert later.state.status.received.modified_time == first


def test_a_new_version_comes_with_the_time_of_its_deployment() -> None:
    it = synced(content(b"2", modified_time="2026-02-02T00:00:00Z"), content(b"3"))
    it.poll()
    received = it.world.statuses[-1].source
    assert received is not None
    assert received.modified_time == "2026-02-02T00:00:00Z"
    it.poll()
    received = it.world.statuses[-1].source
    assert received is not None
    assert not received.modified_time


def test_a_restart_reads_nothing_where_the_watch_has_seen_that_nobody_wrote() -> None:
    it = synced(content(label="v1"))
    again = it.restart()
    again.state.drift.untouched = True
    again.poll(after=500)
    assert it.world.known == [False], "the ConfigMap is not looked at"
    assert (it.world.status_reads, it.world.writes, len(it.world.statuses)) == (0, 1, 1)


@pytest.mark.parametrize(
    "answer",
    [content(b"2", label="v2"), content(label="v2"), content(label="v1", content_type="text/plain")],
    ids=["another content", "another label", "another type"],
)
def test_a_restart_writes_what_came_meanwhile(answer: object) -> None:
    it = synced(answer)
    again = it.restart()
    again.state.drift.untouched = True
    again.poll(after=500)
    assert it.world.known == [False, True]
    assert it.world.writes == 2


def test_a_config_map_that_somebody_touched_is_looked_at() -> None:
    it = synced(content(label="v1"))
    it.restart().poll(after=500)
    assert it.world.known == [False, True]


def test_a_changed_spec_is_applied_though_the_config_map_is_untouched() -> None:
    it = synced(content(label="v1"))
    changed = Bench(it.world, replace(it.source, generation=2, spec=spec(target=target(labels={"team": "a"}))))
    changed.state = it.sessions.restart(changed.source, it.state)
    changed.state.drift.untouched = True
    changed.poll()
    assert it.world.writes == 2
    assert it.world.status_reads == 0, "this process has written the status"


def test_a_changed_spec_is_applied_to_a_pinned_version_too() -> None:
    it = synced()
    data_digest = it.state.delivery.latest_data_digest
    pin = Bench(it.world, replace(it.source, generation=2, spec=spec(pinned_digest=data_digest)))
    pin.state = it.sessions.restart(pin.source, it.state)
    pin.poll()
    writes = it.world.writes
    labelled = spec(pinned_digest=data_digest, target=target(labels={"team": "a"}))
    changed = Bench(it.world, replace(it.source, generation=3, spec=labelled))
    changed.state = it.sessions.restart(changed.source, pin.state)
    changed.state.drift.untouched = True
    changed.poll()
    assert it.world.writes == writes + 1


def test_a_config_map_that_is_to_be_given_up_is_so_after_the_next_receipt() -> None:
    it = synced(content(label="v1"))
    again = it.restart()
    again.state.drift.untouched = True
    again.state.delivery.unreleased = frozenset({"checkout-config", "the one before"})
    again.poll(after=500)
    assert it.world.released == ["the one before"]


def test_trouble_is_told_beside_what_another_replica_wrote_last() -> None:
    it = synced(NOT_FOUND)
    kept = KeptVersion("sha256:" + "1" * 64, "v0", 7, "2026-01-01T00:00:00Z")
    it.world.newest, it.world.elsewhere = replace(it.state.status.stored, history=(kept,)), {kept}
    Bench(it.world, it.source).poll(after=500)
    assert it.world.statuses[-1].history == (kept,)
    assert it.world.status_reads == 1


def test_a_receipt_that_another_replica_has_told_of_keeps_its_time() -> None:
    it = synced()
    reported = it.state.status.stored.source
    assert reported is not None
    earlier = replace(reported, received_time="2025-01-01T00:00:00Z")
    it.state.refresh(replace(it.state.status.stored, source=earlier))
    assert it.state.status.received == earlier
    it.state.status.received = newer = replace(reported, content_digest="sha256:3")
    other = replace(reported, content_digest="sha256:2", received_time="2025-01-01T00:00:00Z")
    it.state.refresh(replace(it.state.status.stored, source=other))
    assert it.state.status.received == newer, "what came here is newer"


def test_what_another_replica_wrote_last_is_read_before_the_first_write() -> None:
    """The watch may not have reported it yet: its history must not be lost."""
    it = synced(content(b"3", label="v3"))
    behind = it.source
    kept = KeptVersion("sha256:" + "1" * 64, "v0", 7, "2026-01-01T00:00:00Z")
    it.world.newest, it.world.elsewhere = replace(it.state.status.stored, history=(kept,)), {kept}
    again = Bench(it.world, behind)
    again.poll(after=500)
    assert it.world.status_reads == 1
    assert [(entry.version_label, entry.revision) for entry in it.world.statuses[-1].history] == [("v1", 8), ("v0", 7)]
    it.world.answers = [content(b"4", label="v4")]
    again.poll()
    assert it.world.status_reads == 1, "once"


def test_a_status_that_another_replica_has_written_already_is_not_written_again() -> None:
    it = bench(content(label="v1"), content(label="v1"))
    seen = replace(it.source, status=Status(observed_generation=0))
    it.poll()
    it.world.newest = it.state.status.stored
    again = Bench(it.world, seen)
    again.poll(after=0)
    assert (it.world.status_reads, len(it.world.statuses), it.world.writes) == (1, 1, 1)


def test_drift_is_checked_against_the_newest_status() -> None:
    it = synced(content(b"2", label="v2"))
    behind = it.source
    it.poll()
    it.world.newest = it.state.status.stored
    again = Bench(it.world, behind)
    again.state.drift.found = CHANGED
    sessions = it.world.sessions
    again.poll(after=0)
    assert it.world.sessions == sessions, "what looked like drift was the last write of another replica"


def test_what_looked_like_drift_leaves_the_time_of_the_receipt_by_another_replica() -> None:
    it = synced(content(b"2", label="v2"), content(b"2", label="v2"))
    behind = it.source
    it.poll()
    it.world.newest, writes = it.state.status.stored, len(it.world.statuses)
    again = Bench(it.world, behind)
    again.state.drift.found = CHANGED
    again.poll(after=60)
    assert again.state.status.received == it.state.status.received
    assert len(it.world.statuses) == writes


@pytest.mark.parametrize("drift", [None, CHANGED])
def test_nothing_is_written_by_a_spec_that_another_replica_knows_to_be_outdated(drift: Drift | None) -> None:
    it = synced(content(b"2", label="v2"))
    behind, writes = it.source, it.world.writes
    it.world.newest_generation = behind.generation + 1
    again = Bench(it.world, behind)
    again.state.drift.found = drift
    assert again.poll(after=0) == 1.0
    assert (again.result, again.state.failures) == ("Outdated", 0)
    assert (it.world.writes, len(it.world.statuses)) == (writes, 1)


def test_a_poll_that_has_to_wait_for_its_rate_is_no_failure() -> None:
    it = synced(RateLimitedError(1.5))
    assert it.poll() == 1.5
    assert (it.result, it.state.failures, len(it.world.statuses)) == ("RateLimited", 0, 1)


def test_a_poll_that_finds_another_at_its_credentials_is_put_off_and_told_apart() -> None:
    """It has nothing to do with quotas, and the alert about them must not fire."""
    it = synced(BusyError(0.5))
    assert it.poll() == 0.5
    assert (it.result, it.state.failures, len(it.world.statuses)) == ("Busy", 0, 1)


def test_what_is_at_hand_is_written_while_the_rate_does_not_allow_a_call() -> None:
    it = bench(content(label="v1"), RateLimitedError(7.0))
    it.world.write_errors = [AWAY]
    it.poll()
    assert it.poll() == 7.0
    assert it.ready == ("True", "Synced")


def test_polls_are_told_by_what_they_brought() -> None:
    it = bench(content(label="v1"), None, THROTTLED, content(b"2"))
    results = []
    for _ in range(4):
        it.poll()
        results.append(it.result)
    assert results == ["Received", "Unchanged", "Throttled", "Received"]
    assert it.world.meter.sizes == [7, 1]
    assert it.world.meter.writes == it.world.writes == 2


def test_a_session_that_delivered_another_version_than_is_written_is_not_gone_on_with() -> None:
    """AppConfig would say that there is nothing new, and the ConfigMap would stay as it is."""
    it = synced()
    given = handed_over(it)
    assert given is not None
    sessions = it.world.sessions
    it.sessions.start(it.source, replace(given, latest_data_digest="sha256:another"))
    assert it.world.sessions == sessions + 1
    pin = replace(it.source, spec=spec(pinned_digest=it.state.delivery.latest_data_digest))
    it.sessions.start(pin, replace(given, latest_data_digest="sha256:another"))
    assert it.world.sessions == sessions + 1, "a pinned one holds another version on purpose"


def test_one_new_session_is_enough_to_put_a_config_map_right() -> None:
    it = synced(RateLimitedError(1.5), THROTTLED, content(label="v1"))
    it.world.tampered = True
    it.state.drift.found = CHANGED
    sessions = it.world.sessions
    for _ in range(3):
        it.poll()
    assert it.world.sessions == sessions + 1
    assert it.state.drift.found is None
    assert not it.state.drift.session_renewed
    it.state.drift.found = CHANGED
    it.world.answers = [content(label="v1")]
    it.poll()
    assert it.world.sessions == sessions + 2


def test_the_history_of_another_replica_is_kept_where_no_status_was_known() -> None:
    """Its status may not have been reported when it made the ConfigMap."""
    it = bench(content(label="v1"), content(b"2", label="v2"))
    it.poll()
    kept = KeptVersion("sha256:" + "1" * 64, "v0", 7, "2026-01-01T00:00:00Z")
    it.world.newest, it.world.elsewhere = replace(it.state.status.stored, history=(kept,)), {kept}
    again = Bench(it.world, it.source)
    again.poll(after=500)
    assert [(entry.version_label, entry.revision) for entry in it.world.statuses[-1].history] == [("v1", 8), ("v0", 7)]


def test_the_status_of_another_replica_is_read_where_its_config_map_is_met() -> None:
    it = bench(content(label="v1"), content(label="v1"))
    it.poll()
    kept = KeptVersion("sha256:" + "1" * 64, "v0", 7, "2026-01-01T00:00:00Z")
    it.world.newest, it.world.elsewhere = replace(it.state.status.stored, history=(kept,)), {kept}
    Bench(it.world, it.source).poll(after=500)
    assert (it.world.status_reads, len(it.world.statuses)) == (1, 1), "nothing is new"


def test_a_new_source_costs_no_read() -> None:
    it = bench(content(label="v1"))
    it.poll()
    assert it.world.status_reads == 0


def test_a_long_interval_makes_no_version_late_by_a_day_after_a_restart() -> None:
    it = synced()
    it.world.random = 0.5
    daily = replace(it.source, spec=spec(poll_interval_seconds=86_400))
    assert it.sessions.start(daily, None).delay == 150
