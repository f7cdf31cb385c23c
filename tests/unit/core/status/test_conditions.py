from __future__ import annotations

import pytest

from appconfig_operator.api.status import Condition
from appconfig_operator.core.errors import (
    BlockedError,
    ContentError,
    ForbiddenError,
    Reason,
    SourceError,
    StallingError,
    TransientError,
    WaitingError,
)
from appconfig_operator.core.status import conditions

THEN = "2026-01-01T00:00:00Z"
NOW = "2026-01-02T00:00:00Z"


def condition(kind: str, status: str, reason: str = "Synced") -> Condition:
    return Condition(kind, status, reason, "", 1, THEN)


def shown(error: SourceError, failures: int, ready: Condition | None) -> dict[str, tuple[str, str]] | None:
    verdict = conditions.failed(error, failures=failures, ready=ready)
    if verdict is None:
        return None
    made = conditions.conditions(verdict, previous=(), generation=1, now=NOW)
    return {one.type: (one.status, one.reason) for one in made}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (WaitingError(Reason.NOT_DEPLOYED, ""), {"Ready": ("False", "NotDeployed")}),
        (
            StallingError(Reason.NOT_FOUND, ""),
            {"Ready": ("False", "NotFound"), "Stalled": ("True", "NotFound")},
        ),
        (
            ContentError(Reason.TOO_LARGE, ""),
            {"Ready": ("False", "TooLarge"), "Stalled": ("True", "TooLarge")},
        ),
    ],
    ids=["waiting", "stalling", "content"],
)
@pytest.mark.parametrize("ready", [None, condition("Ready", "True")], ids=["new", "synced"])
def test_what_is_not_transient_shows_at_once(
    error: SourceError, expected: dict[str, tuple[str, str]], ready: Condition | None
) -> None:
    assert shown(error, 0, ready) == expected


@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("status", ["True", "False"])
def test_two_transient_failures_change_nothing_that_is_known(failures: int, status: str) -> None:
    assert shown(TransientError(Reason.THROTTLED, ""), failures, condition("Ready", status)) is None


@pytest.mark.parametrize("ready", [None, condition("Ready", "Unknown", "Progressing")], ids=["new", "unknown"])
def test_transient_failures_of_a_new_source_are_progress(ready: Condition | None) -> None:
    assert shown(TransientError(Reason.THROTTLED, ""), 2, ready) == {
        "Ready": ("Unknown", "Progressing"),
        "Reconciling": ("True", "Progressing"),
    }


@pytest.mark.parametrize("failures", [3, 4, 1000])
def test_the_third_transient_failure_in_a_row_shows(failures: int) -> None:
    assert shown(TransientError(Reason.THROTTLED, ""), failures, condition("Ready", "True")) == {
        "Ready": ("False", "Throttled"),
        "Reconciling": ("True", "Throttled"),
    }


def test_a_refusal_stalls_from_the_third_on() -> None:
    error = ForbiddenError(Reason.TARGET_REJECTED, "")
    assert shown(error, 2, condition("Ready", "True")) is None
    assert shown(error, 3, condition("Ready", "True")) == {
        "Ready": ("False", "TargetRejected"),
        "Stalled": ("True", "TargetRejected"),
    }


@pytest.mark.parametrize(
    ("label", "said"), [("42", "version 42."), ("", "the version with digest sha256:0123456789abcdef.")]
)
def test_synced_names_the_config_map_and_the_version(label: str, said: str) -> None:
    verdict = conditions.synced(target="checkout", version_label=label, data_digest="sha256:0123456789abcdef")
    assert verdict.message == f"ConfigMap checkout holds {said}"
    assert (verdict.status, verdict.reason) == ("True", Reason.SYNCED)


@pytest.mark.parametrize(
    ("waiting", "said"),
    [
        (None, "AppConfig serves no other."),
        (("43", "sha256:ab"), "Version 43 is waiting."),
        (("", "sha256:ab"), "The version with digest sha256:ab is waiting."),
        (("", ""), "A version without a label is waiting."),
    ],
)
def test_pinned_names_the_version_that_waits(waiting: tuple[str, str] | None, said: str) -> None:
    newer = conditions.version_name(*waiting) if waiting is not None else None
    verdict = conditions.pinned(target="checkout", label="42", data_digest="sha256:cd", waiting=newer)
    assert verdict.message == f"ConfigMap checkout is held at version 42 by spec.pinnedDigest. {said}"


def test_the_transition_time_moves_with_the_status_only() -> None:
    previous = (condition("Ready", "False", "NotFound"), condition("Stalled", "True", "NotFound"))
    still = conditions.failed(StallingError(Reason.ACCESS_DENIED, "no"), failures=0, ready=previous[0])
    assert still is not None
    assert [
        (one.type, one.reason, one.last_transition_time)
        for one in conditions.conditions(still, previous=previous, generation=2, now=NOW)
    ] == [("Ready", "AccessDenied", THEN), ("Stalled", "AccessDenied", THEN)]
    good = conditions.synced(target="x", version_label="1", data_digest="sha256:0")
    assert [
        (one.type, one.status, one.last_transition_time, one.observed_generation)
        for one in conditions.conditions(good, previous=previous, generation=2, now=NOW)
    ] == [("Ready", "True", NOW, 2)]


def test_a_long_message_is_cut() -> None:
    verdict = conditions.Verdict("False", Reason.TARGET_REJECTED, "x" * 5000)
    (ready,) = conditions.conditions(verdict, previous=(), generation=1, now=NOW)
    assert len(ready.message) == conditions.MESSAGE_LIMIT
    assert ready.message.endswith("…")


def test_a_name_in_a_message_rules_no_terminal() -> None:
    error = BlockedError(Reason.TARGET_NOT_OWNED, "It belongs to Thing a\x1b[2J\u202eb.")
    verdict = conditions.failed(error, failures=0, ready=None)
    assert verdict is not None
    (ready, _) = conditions.conditions(verdict, previous=(), generation=1, now="2026-01-01T00:00:00Z")
    assert ready.message == r"It belongs to Thing a\x1b[2J\u202eb."
