from __future__ import annotations

import pytest

from appconfig_operator.core.errors import Reason
from appconfig_operator.core.poll_result import PollResult

SUCCESSES = {Reason.SYNCED, Reason.PINNED, Reason.PROGRESSING}


@pytest.mark.parametrize("reason", sorted(set(Reason) - SUCCESSES))
def test_each_error_is_a_result(reason: Reason) -> None:
    assert PollResult(reason).value == reason.value


def test_no_other_reason_is_a_result() -> None:
    assert set(map(str, Reason)) - set(map(str, PollResult)) == set(map(str, SUCCESSES))


def test_what_is_neither_is_refused_and_not_counted_as_an_error() -> None:
    with pytest.raises(ValueError, match="hunter2"):
        PollResult("hunter2")
