"""A value that many threads use and a call refreshes: one thread refreshes it, and the others do not wait."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from appconfig_operator.core.errors import BusyError, Reason, SourceError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""After a failure, until the next attempt. A person who has fixed something does not wait longer than that."""

SOON_SECONDS = 0.05
"""How soon threads ask again while another one refreshes. They ask less often the longer it takes."""

STUCK_SECONDS = 60.0
"""After which waiting threads report that the refresh hangs. The time-outs of all calls together are shorter; a program
that provides credentials (`credential_process`) has none."""


class Perishable(Protocol):
    """A value that expires."""

    def fresh(self, now: float) -> bool:
        """Return whether it need not be refreshed yet."""

    def usable(self, now: float) -> bool:
        """Return whether it can still be used while it is being refreshed."""


T = TypeVar("T", bound=Perishable)


class Refreshed(Generic[T]):
    """Keeps one value. Safe to share between threads.

    Parameters
    ----------
    make
        Makes the value, given the previous one. If it raises, there is no usable value. A `SourceError` is remembered
        for a while, and raised to all who ask meanwhile.
    what
        What it is, in the middle of a sentence.
    monotonic
        Seconds.
    """

    __slots__ = ("_again", "_begun", "_failure", "_failures", "_lock", "_make", "_monotonic", "_value", "_what")

    def __init__(self, make: Callable[[T | None], T], *, what: str, monotonic: Callable[[], float]) -> None:
        self._make = make
        self._what = what
        self._monotonic = monotonic
        self._lock = threading.Lock()  # held while it is made, and never waited for
        self._value: T | None = None
        self._begun: float | None = None  # when the call under way was
        self._failures = 0
        self._failure: SourceError | None = None
        self._again = 0.0

    def get(self) -> T:
        """Return it.

        Raises
        ------
        BusyError
            When another thread is making it, and there is no usable one meanwhile.
        SourceError
            When it could not be made, by this thread or a moment ago by another. `retry_after` says until when that is
            remembered.
        """
        now = self._monotonic()
        value = self._value
        if value is not None and value.fresh(now):
            return value
        failure = self._failure
        if failure is not None and now < self._again:
            failure = failure.copy()
            failure.retry_after = self._again - now
            raise failure
        if self._lock.acquire(blocking=False):
            try:
                return self._refresh()
            finally:
                self._begun = None
                self._lock.release()
        if value is not None and value.usable(now):
            return value
        begun = self._begun
        elapsed = 0.0 if begun is None else now - begun
        if elapsed > STUCK_SECONDS:
            raise TransientError(
                Reason.SERVICE_UNAVAILABLE,
                f"The call that gives {self._what} hangs. Check the operator's AWS settings and its network path to "
                "STS.",
                retry_after=FIRST_PAUSE_SECONDS,
            )
        raise BusyError(max(SOON_SECONDS, elapsed))

    def drop(self, value: T) -> None:
        """Make a new one at the next call of `get`, if it is still this one."""
        if self._value is value:
            self._value = None

    @property
    def value(self) -> T | None:
        """What there is, good or not."""
        return self._value

    def _refresh(self) -> T:
        now = self._monotonic()
        value = self._value
        if value is not None and value.fresh(now):  # another thread has just refreshed it
            return value
        self._begun = now
        try:
            made = self._make(value)
        except SourceError as error:
            self._failed(error)
            raise
        self._value, self._failure, self._failures = made, None, 0
        return made

    def _failed(self, error: SourceError) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 16))
        error.retry_after = max(pause, error.retry_after)
        self._failures += 1
        self._value, self._failure = None, error.copy()
        self._again = self._monotonic() + error.retry_after
