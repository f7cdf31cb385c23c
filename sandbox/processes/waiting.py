"""Waiting for a condition, within a bound."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_INTERVAL = 0.05


def wait_until(condition: Callable[[], T], timeout: float, what: str) -> T:
    """Call a condition until its result is truthy.

    Parameters
    ----------
    condition
        The condition, called every 50 ms. A failed connection counts as "not yet".
    timeout
        Seconds after which to give up. The condition is called at least once.
    what
        What to wait for, for the error message.

    Returns
    -------
    T
        The first truthy result.

    Raises
    ------
    TimeoutError
        If there was none in time. If the last attempt had a failed connection, that is the cause.
    """
    deadline = time.monotonic() + timeout
    while True:
        failure: Exception | None = None
        try:
            if answer := condition():
                return answer
        except (OSError, http.client.HTTPException) as error:
            failure = error
        if time.monotonic() >= deadline:
            message = f"{what}: not within {timeout:g} s" + (f": {failure}" if failure else "")
            raise TimeoutError(message) from failure
        time.sleep(_INTERVAL)
