"""Trying again what needs the network."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

from sandbox.processes.process import tail

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PAUSES = (5.0, 20.0, 60.0)
"""Seconds before each further try. A registry that is down for a minute is outlived."""


def persist(attempt: Callable[[], T], error: type[Exception], what: str) -> T:
    """Try until it succeeds, a few times.

    Parameters
    ----------
    attempt
        What to try. What one that failed leaves must not be in the way of the next.
    error
        What it raises when another try may help.
    what
        What is tried, for people.

    Returns
    -------
    T
        What the first attempt without an error returns.

    Raises
    ------
    Exception
        That of the last attempt.
    """
    for pause in PAUSES:
        try:
            return attempt()
        except error as failure:
            sys.stderr.write(f"sandbox: {what} failed:\n{tail(str(failure))}\nNext try in {pause:g} s.\n")
        time.sleep(pause)
    return attempt()
