"""A watch is tried again soon, unless the API server asks for more time."""

from __future__ import annotations

import pytest

from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.watches.patience import LONGEST_WAIT_SECONDS, WATCH_AGAIN_SECONDS, patience


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (UnreachableError("away"), WATCH_AGAIN_SECONDS),
        (ApiError(429, {}), WATCH_AGAIN_SECONDS),
        (ApiError(429, {}, retry_after=1.0), WATCH_AGAIN_SECONDS),
        (ApiError(429, {}, retry_after=20.0), 20.0),
        (ApiError(429, {}, retry_after=300.0), LONGEST_WAIT_SECONDS),
    ],
)
def test_an_api_server_that_asks_for_patience_gets_it_within_bounds(error: Exception, seconds: float) -> None:
    assert patience(error) == seconds
