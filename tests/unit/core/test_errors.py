"""Errors that are kept, and raised again."""

from __future__ import annotations

import pytest

from appconfig_operator.core.errors import (
    BlockedError,
    ContentError,
    ForbiddenError,
    Reason,
    Retry,
    SourceError,
    StallingError,
    TransientError,
    WaitingError,
)


@pytest.mark.parametrize(
    "kind", [BlockedError, ContentError, ForbiddenError, StallingError, TransientError, WaitingError]
)
def test_a_copy_is_equal_and_has_no_traceback(kind: type[SourceError]) -> None:
    def fail() -> None:
        raise kind(Reason.TOO_LARGE, "It is too large.", retry_after=3.0) from ValueError("the cause")

    with pytest.raises(kind) as raised:
        fail()
    copy = raised.value.copy()
    assert (type(copy), copy.reason, copy.message, copy.retry_after) == (
        kind,
        Reason.TOO_LARGE,
        "It is too large.",
        3.0,
    )
    assert [copy.__traceback__, copy.__cause__, copy.__context__] == [None, None, None]


@pytest.mark.parametrize(
    ("kind", "retry", "stalled", "transient"),
    [
        (WaitingError, Retry.INTERVAL, False, False),
        (ContentError, Retry.INTERVAL, True, False),
        (StallingError, Retry.SLOW, True, False),
        (BlockedError, Retry.INTERVAL, True, False),
        (TransientError, Retry.BACKOFF, False, True),
        (ForbiddenError, Retry.BACKOFF_THEN_MINUTE, True, True),
    ],
)
def test_the_class_of_an_error_says_what_follows(
    kind: type[SourceError], retry: Retry, *, stalled: bool, transient: bool
) -> None:
    error = kind(Reason.TOO_LARGE, "It is too large.")
    assert (error.retry, error.stalled, error.transient) == (retry, stalled, transient)
    row = f"| `{kind.__name__}` | `{retry.name}` | {'yes' if stalled else 'no'}"
    assert row in (SourceError.__doc__ or ""), "the table is the documentation"
