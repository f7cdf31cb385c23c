"""The progress of a long job, on standard error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

_TERMINAL_INTERVAL = 0.2
_LOG_INTERVAL = 20.0
_ERASE_LINE = "\r\x1b[K"


class Progress:
    """One line that is refreshed on a terminal, and a line every 20 s elsewhere.

    Parameters
    ----------
    stream
        The output.
    label
        The start of every line.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(self, stream: TextIO, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._label = label
        self._clock = clock
        self._terminal = stream.isatty()
        self._interval = _TERMINAL_INTERVAL if self._terminal else _LOG_INTERVAL
        self._started = self._last = clock()

    def show(self, text: str) -> None:
        """Report the progress, unless it was reported just now.

        Parameters
        ----------
        text
            Such as ``12 of 345 packages``.
        """
        now = self._clock()
        if now - self._last < self._interval:
            return
        self._last = now
        line = f"{self._label}: {text}, {now - self._started:.0f} s"
        self._stream.write(f"{_ERASE_LINE}{line}" if self._terminal else f"{line}\n")
        self._stream.flush()

    def end(self, text: str) -> None:
        """Report how it ended, in a line that stays.

        Parameters
        ----------
        text
            Such as ``built``.
        """
        erase = _ERASE_LINE if self._terminal else ""
        self._stream.write(f"{erase}{self._label}: {text}, {self._clock() - self._started:.0f} s\n")
        self._stream.flush()
