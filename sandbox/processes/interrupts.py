"""Ctrl-C and similar signals, delivered when everything that was started can be ended.

Python raises KeyboardInterrupt between any two steps, even while a program is being started: then nothing knows about
the program that could stop it, and it keeps running.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

_listened: tuple[signal.Signals, ...] = ()
_holders: list[None] = []
_waiting: list[int] = []


def listen(numbers: Iterable[signal.Signals]) -> None:
    """Make signals raise KeyboardInterrupt in the main thread: only once, so that nothing interrupts the cleanup.

    Parameters
    ----------
    numbers
        The signals.
    """
    global _listened  # noqa: PLW0603 (as the handlers of signals are the process's)
    _listened = tuple(numbers)
    _waiting.clear()
    for number in _listened:
        signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if _holders:
        # Not ignored: programs that are started now would inherit that.
        _waiting.append(number)
    else:
        _raise()


def _raise() -> NoReturn:
    _waiting.clear()
    for number in _listened:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[None]:
    """Defer signals until the end of the block: for a short step.

    Raises
    ------
    KeyboardInterrupt
        At its end in the main thread, if a signal arrived that `listen` handles.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # KeyboardInterrupt is never raised in here
        return
    _holders.append(None)
    try:
        yield
    finally:
        _holders.pop()
        if _waiting and not _holders:
            _raise()
