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
    """Ask until the answer is truthy.

    Parameters
    ----------
    condition
        What to ask, every 50 ms. A connection that fails counts as "not yet".
    timeout
        Seconds after which to give up. The condition is asked at least once.
    what
        What is waited for, for the error.

    Returns
    -------
    T
        The first truthy answer.

    Raises
    ------
    TimeoutError
        If there was none in time. A failed connection of the last try is its cause.
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
