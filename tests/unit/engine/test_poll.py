from __future__ import annotations

from dataclasses import replace

import pytest

from appconfig_operator.api.v1alpha1 import CreationPolicy, Format
from appconfig_operator.core import backoff
from appconfig_operator.core.errors import (
    BlockedError,
    Reason,
    SourceError,
    SourceGoneError,
    StallingError,
    TooEarlyError,
)
from appconfig_operator.core.formats.render import LIMIT_BYTES
from appconfig_operator.core.target.drift import Drift, DriftKind
from tests.support.builders import content, source, spec, target
from tests.unit.support.engine_bench import (
    AWAY,
    DENIED,
    FORBIDDEN,
    FOREIGN,
    NOT_DEPLOYED,
    NOT_FOUND,
    THROTTLED,
    Bench,
    bench,
)
from tests.unit.support.engine_fakes import World


def test_a_first_version_is_written_and_told_once() -> None:
    it = bench(content(label="v1"))
    assert it.poll() == 60
    assert it.world.config_map is not None
    assert it.world.known == [False]
    (status,) = it.world.statuses
    assert it.ready == ("True", "Synced")
    assert status.observed_generation == 1
    assert status.source is not None
    assert (status.source.version_label, status.source.size_bytes) == ("v1", 7)
    assert status.target is not None
    assert (status.target.name, status.target.keys, status.target.resource_version) == ("checkout-config", 1, "1")
    assert it.world.events == [("checkout", "Normal", "Synced")]


@pytest.mark.parametrize("error", [DENIED, NOT_DEPLOYED, NOT_FOUND], ids=["denied", "not deployed", "not found"])
@pytest.mark.parametrize("then", ["same process", "restarted", "handed over"])
def test_a_spec_that_changed_while_aws_refused_is_carried_out_later(error: SourceError, then: str) -> None:
    """The error is reported with the generation of the spec, so that alone does not show that it was carried out."""
    it = bench(content(), error, content(), content())
    it.poll()
    it.source = replace(it.source, generation=2, spec=spec(target=target(labels={"team": "shop"})))
    it.state = it.sessions.restart(it.source, it.state)
    it.poll()
    assert it.ready[0] == "False"
    if then != "same process":
        given = it.sessions.export(it.source, it.state, it.world.now) if then == "handed over" else None
        it = it.restart()
        it.state = it.sessions.start(it.source, given).poll_state
    it.state.drift.untouched = True
    it.poll()
    assert it.ready == ("True", "Synced")
    assert it.world.config_map is not None
    assert it.world.config_map.labels["team"] == "shop"


@pytest.mark.parametrize("error", [NOT_DEPLOYED, NOT_FOUND], ids=["not deployed", "not found"])
def test_a_poll_that_comes_before_the_interval_does_not_take_back_what_appconfig_answered(error: SourceError) -> None:
    it = bench(content(), error, content())
    it.poll()
    it.source = replace(it.source, generation=2, spec=spec(application="other"))
    it.state = it.sessions.restart(it.source, it.state)
    it.poll()
    before = it.ready
    it.state.drift.found = Drift(DriftKind.METADATA)  # a false alarm
    it.poll(after=1.0)
    assert it.ready == before
    assert it.world.polls == 2
    it.poll()
    assert it.ready == ("True", "Synced")


def test_unchanged_polls_write_nothing() -> None:
    it = bench(content())
    it.poll()
    for _ in range(20):
        assert it.poll() == 60
    assert it.world.polls == 21
    assert (len(it.world.known), len(it.world.statuses), len(it.world.events)) == (1, 1, 1)


def test_a_restart_with_nothing_changed_writes_nothing() -> None:
    it = bench(content(), content())
    it.poll()
    again = it.restart()
    again.world.now += 500
    again.poll()
    assert (it.world.writes, len(it.world.statuses), len(it.world.events)) == (1, 1, 1)
    assert it.world.known == [False, True]


def test_another_target_is_created_without_a_read() -> None:
    it = bench(content(), content())
    it.poll()
    moved = it.restart()
    moved.source = replace(moved.source, spec=spec(target=target(name="other")))
    moved.poll(after=60)
    assert it.world.known == [False, False]
    assert moved.state.status.stored.target is not None
    assert moved.state.status.stored.target.name == "other"


def test_a_second_version_is_written_and_told() -> None:
    it = bench(content(b"1"), content(b"2", label="v2"))
    it.poll()
    it.poll()
    assert it.world.writes == 2
    assert it.events == ["Synced", "Synced"]
    first, second = it.world.statuses
    assert first.conditions[0].last_transition_time == second.conditions[0].last_transition_time
    assert second.conditions[0].message == "ConfigMap checkout-config holds version v2."
    assert first.target != second.target


def test_a_new_label_on_the_same_bytes_is_a_new_version() -> None:
    it = bench(content(label="v1"), content(label="v2"))
    it.poll()
    it.poll()
    assert it.world.writes == 2
    assert [status.source.version_label for status in it.world.statuses if status.source] == ["v1", "v2"]


def held(it: Bench) -> str | None:
    """Return the label in `status.target`, as the API server has it."""
    target = it.world.statuses[-1].target
    return target.version_label if target is not None else None


def of_before(it: Bench) -> Bench:
    """Restart with the status that an operator without `status.target.versionLabel` has written."""
    status = it.world.statuses[-1]
    assert status.target is not None
    it.world.statuses.append(replace(status, target=replace(status.target, version_label=None)))
    return it.restart()


def test_the_target_has_the_label_of_what_is_written_and_not_of_what_cannot_be() -> None:
    it = bench(content(b"1", label="v1"), content(b"x" * (LIMIT_BYTES + 1), label="v2"), content(b"3", label=""))
    it.poll()
    assert held(it) == "v1"
    it.poll()
    assert it.state.status.stored.source is not None
    assert (it.state.status.stored.source.version_label, held(it)) == ("v2", "v1")
    it.poll()
    assert held(it) == ""
    moved = it.restart()
    moved.world.answers = [content(b"3", label="v4")]
    moved.source = replace(moved.source, spec=spec(target=target(name="other")))
    moved.poll(after=60)
    assert held(it) == "v4"


def test_a_restart_on_a_status_without_the_label_writes_nothing_and_the_next_version_brings_it() -> None:
    it = bench(content(b"1", label="v1"))
    it.poll()
    again = of_before(it)
    before = len(it.world.statuses)
    again.world.answers = [content(b"1", label="v1"), content(b"1", label="v1"), content(b"1", label="v2")]
    again.poll(after=500)
    again.poll()
    assert (it.world.writes, len(it.world.statuses), held(it)) == (1, before, None)
    again.poll()
    assert held(it) == "v2"


def test_a_changed_spec_brings_the_label_to_a_status_without_it() -> None:
    it = bench(content())
    it.poll()
    again = of_before(it)
    again.source = replace(again.source, generation=2, spec=spec(poll_interval_seconds=30))
    again.world.answers = [content()]
    again.poll(after=500)
    assert (it.world.writes, held(it)) == (1, "v1")


@pytest.mark.parametrize("kind", ["now", "before"])
def test_a_new_label_on_data_that_a_merge_has_written_shows(kind: str) -> None:
    """Under `Merge`, the ConfigMap has no annotation that changes with it."""
    merging = source(spec=spec(target=target(creation_policy=CreationPolicy.MERGE)))
    it = Bench(World(answers=[content(label="v1")]), merging)
    it.poll()
    again = it.restart() if kind == "now" else of_before(it)
    again.world.answers = [content(label="v2")]
    again.poll(after=500)
    assert (it.world.writes, held(it)) == (1, "v2")


def test_nothing_deployed_waits_at_the_ordinary_pace_and_then_syncs() -> None:
    it = bench(NOT_DEPLOYED, NOT_DEPLOYED, content())
    assert it.poll() == 60
    assert it.ready == ("False", "NotDeployed")
    assert it.state.status.stored.condition("Stalled") is None
    it.poll()
    assert len(it.world.statuses) == 1
    it.poll()
    assert it.ready == ("True", "Synced")
    assert it.events == ["NotDeployed", "Synced"]


def test_nothing_deployed_leaves_a_good_config_map() -> None:
    it = bench(content(), NOT_DEPLOYED)
    it.poll()
    again = it.restart()
    again.poll(after=100)
    assert again.ready == ("False", "NotDeployed")
    assert it.world.writes == 1
    assert again.state.status.stored.target is not None


def test_a_stalled_source_is_looked_at_slowly_and_recovers() -> None:
    it = bench(DENIED, DENIED, content())
    assert it.poll() == backoff.STALLED_SECONDS
    assert it.state.status.stored.condition("Stalled") is not None
    assert it.poll() == backoff.STALLED_SECONDS
    assert len(it.world.statuses) == 1
    it.poll()
    assert it.ready == ("True", "Synced")
    assert it.state.status.stored.condition("Stalled") is None


def test_what_does_not_exist_is_looked_for_at_the_poll_interval() -> None:
    """Whoever makes it again under its name need not wait longer than for a new version, nor does AWS hear more."""
    it = bench(content(), NOT_FOUND, NOT_FOUND, content(b"new"))
    it.poll()
    assert it.poll() == 60
    assert it.ready == ("False", "NotFound")
    assert it.state.status.stored.condition("Stalled") is not None
    assert it.poll(after=30) == 30, "what wakes it earlier asks AWS nothing"
    assert it.world.polls == 2
    it.poll()
    assert it.poll() == 60
    assert it.ready == ("True", "Synced")


def test_what_one_source_looks_at_for_all_is_looked_at_again_soon() -> None:
    """Credentials that somebody has to fix: the others come back when one of them has looked, within a minute."""
    it = bench(StallingError(Reason.ACCESS_DENIED, "no trust", retry_after=32.0), content())
    assert it.poll() == 32
    assert it.ready == ("False", "AccessDenied")
    it.poll()
    assert it.ready == ("True", "Synced")


def test_transient_failures_show_from_the_third_in_a_row() -> None:
    it = bench(content(), THROTTLED, THROTTLED, THROTTLED, THROTTLED, None)
    it.world.random = 0.5
    it.poll()
    assert [it.poll() for _ in range(2)] == [1, 2]
    assert it.ready == ("True", "Synced")
    assert [it.poll() for _ in range(2)] == [4, 8]
    assert it.ready == ("False", "Throttled")
    assert it.state.status.stored.condition("Reconciling") is not None
    it.poll()
    assert it.ready == ("True", "Synced")
    assert it.state.failures == 0
    assert it.world.writes == 1
    assert it.events == ["Synced", "Throttled", "Synced"]


def test_a_success_between_failures_starts_the_count_anew() -> None:
    it = bench(content(), THROTTLED, THROTTLED, None, THROTTLED, THROTTLED)
    for _ in range(6):
        it.poll()
    assert it.ready == ("True", "Synced")
    assert len(it.world.statuses) == 1


@pytest.mark.proves("Progressing")
def test_a_new_source_with_transient_failures_is_progressing() -> None:
    it = bench(THROTTLED, THROTTLED, content())
    it.poll()
    assert it.ready == ("Unknown", "Progressing")
    it.poll()
    assert len(it.world.statuses) == 1
    it.poll()
    assert it.ready == ("True", "Synced")
    assert it.events == ["Synced"]


@pytest.mark.proves("TargetUnavailable")
def test_a_received_configuration_is_not_lost_when_the_api_server_is_away() -> None:
    it = bench(content(b"1"), content(b"2", label="v2"))
    it.poll()
    it.world.write_errors = [AWAY, AWAY, None]
    it.poll()
    polls = it.world.polls
    it.poll(after=1)
    it.poll(after=1)
    assert it.world.polls == polls, "AppConfig must not be asked before its interval"
    assert it.world.writes == 2
    assert it.state.delivery.pending is None
    assert it.ready == ("True", "Synced")
    assert it.events == ["Synced", "Synced"]


def test_a_retried_write_keeps_the_time_of_the_next_poll() -> None:
    it = bench(content())
    it.world.write_errors = [AWAY]
    it.poll()
    assert it.poll(after=10) == 50


def test_a_newer_version_takes_the_place_of_one_not_written_yet() -> None:
    it = bench(content(b"1"), content(b"2", label="v2"))
    it.world.write_errors = [FOREIGN, None]
    assert it.poll() == backoff.STALLED_SECONDS
    assert it.ready == ("False", "TargetNotOwned")
    assert it.state.status.stored.source is not None
    assert it.state.status.stored.target is None
    it.poll(after=300)
    assert it.world.config_map is not None
    assert it.world.config_map.data.text == {"checkout.json": "2"}
    assert it.ready == ("True", "Synced")


def test_a_foreign_target_is_tried_again_with_the_configuration_received() -> None:
    it = bench(content(b"1"), None)
    it.world.write_errors = [FOREIGN, None]
    it.poll()
    it.poll(after=300)
    assert it.world.sessions == 1
    assert it.ready == ("True", "Synced")


def test_a_refused_write_stalls_from_the_third_on() -> None:
    it = bench(content())
    it.world.write_errors = [FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN]
    assert it.poll() == 0
    assert it.ready == ("Unknown", "Progressing")
    assert it.poll(after=1) == 0
    assert it.poll(after=1) == backoff.CAP_SECONDS
    assert it.ready == ("False", "TargetRejected")
    assert it.state.status.stored.condition("Stalled") is not None
    assert it.poll(after=60) == backoff.CAP_SECONDS


def test_content_that_cannot_be_written_stalls_until_another_comes() -> None:
    it = bench(content(b"1"), content(b"x" * (LIMIT_BYTES + 1), label="big"), None, content(b"2", label="v3"))
    it.poll()
    assert it.poll() == 60
    assert it.ready == ("False", "TooLarge")
    assert it.state.delivery.pending is None, "content must not be kept"
    assert it.state.status.stored.source is not None
    assert it.state.status.stored.source.version_label == "big"
    it.poll()
    assert it.ready == ("False", "TooLarge")
    assert len(it.world.statuses) == 2
    assert it.world.writes == 1
    it.poll()
    assert it.ready == ("True", "Synced")


def test_what_is_missing_in_the_cluster_is_looked_for_at_the_ordinary_pace() -> None:
    it = bench(content(), None)
    it.world.write_errors = [BlockedError(Reason.TARGET_MISSING, "not there")]
    assert it.poll() == 60
    assert it.state.status.stored.condition("Stalled") is not None
    it.poll()
    assert it.ready == ("True", "Synced")


def test_too_early_changes_nothing_and_waits_the_interval() -> None:
    it = bench(content(), TooEarlyError())
    it.poll()
    assert it.poll() == 60
    assert it.state.failures == 0
    assert len(it.world.statuses) == 1


def test_a_status_that_could_not_be_written_is_written_later() -> None:
    it = bench(content())
    it.world.status_errors = [AWAY]
    it.world.random = 0.5
    assert it.poll() == 1, "a failed status is retried with back-off"
    assert it.world.events == []
    assert it.state.failures == 0, "it says nothing of AppConfig or the ConfigMap"
    it.poll(after=1)
    assert it.ready == ("True", "Synced")
    assert it.world.writes == 1
    assert it.events == ["Synced"]


def test_a_failed_status_on_top_of_another_failure_counts_once() -> None:
    it = bench(content())
    it.world.write_errors = [AWAY]
    it.world.status_errors = [AWAY]
    it.poll()
    assert it.state.failures == 1


def test_a_source_that_is_gone_says_so() -> None:
    it = bench(content())
    it.world.status_errors = [SourceGoneError("u")]
    with pytest.raises(SourceGoneError):
        it.poll()


def test_a_crash_between_the_two_writes_is_ended_by_the_next_process() -> None:
    it = bench(content(), content())
    it.world.status_errors = [AWAY]
    it.poll()
    again = Bench(it.world, it.source)
    again.poll(after=60)
    assert it.world.writes == 1, "what is right already is not written again"
    assert again.ready == ("True", "Synced")
    assert again.state.status.stored.target is not None


def test_the_content_type_of_the_spec_is_for_what_is_written_and_the_status_says_what_appconfig_said() -> None:
    wanted = spec(content_type="application/json", target=target(format=Format.ENTRIES, key=None))
    received = content(b'{"a": 1}', content_type="application/octet-stream")
    it = Bench(World(answers=[received]), source=source(spec=wanted))
    it.poll()
    assert it.ready == ("True", "Synced")
    assert it.state.status.stored.source is not None
    assert it.state.status.stored.source.content_type == "application/octet-stream"


def test_the_next_call_is_counted_from_the_answer() -> None:
    it = bench(content())
    it.world.random = 0.5
    assert it.poll() == 60 + 0.5 * 3


def test_a_label_of_any_length_fits_into_the_status_and_stays_the_same_version_after_a_restart() -> None:
    it = bench(content(b"1", label="\x1b" * 5000, content_type="t" * 5000), content(b"2"), content(b"2"))
    it.poll()
    received = it.state.status.stored.source
    assert received is not None
    assert (len(received.version_label), len(received.content_type)) == (1024, 1024)
    assert received.version_label.isprintable()
    again = it.restart()
    again.world.answers = [content(b"1", label="\x1b" * 5000, content_type="t" * 5000), content(b"2")]
    again.poll()
    assert len(it.world.statuses) == 1, "it is the same version"
    again.poll()
    assert [len(kept.version_label) for kept in again.state.history.kept] == [1024]


def test_what_was_waited_for_in_vain_is_given_up_with_another_name() -> None:
    """To wait is to be one of its owners: that must not stay."""
    it = bench(*[content(b"1")] * 3)
    it.world.write_errors = [FOREIGN, FOREIGN]
    it.poll()
    it.poll(after=300)
    assert it.world.known == [False, True], "a create would be refused again, and sends all of the content"
    assert it.ready == ("False", "TargetNotOwned")
    changed = replace(it.source, generation=2, spec=replace(it.source.spec, target=target(name="elsewhere")))
    again = Bench(it.world, changed)
    again.state = again.sessions.restart(changed, it.state)
    it.world.now += 60
    again.poll()
    assert it.world.released == ["checkout-config"]
    assert again.state.delivery.unreleased == {"elsewhere"}
