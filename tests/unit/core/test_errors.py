"""Errors that are kept, and raised again."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    "kind", [BlockedError, ContentError, ForbiddenError, StallingError, TransientError, WaitingError]
)
def test_a_copy_says_the_same_and_holds_no_traceback(kind: type[SourceError]) -> None:
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
