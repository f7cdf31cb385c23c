"""Ctrl-C and its like, at a moment when what was begun can be ended.

Python raises KeyboardInterrupt between any two steps, also while a program is being started: then nobody knows of it
who could stop it, and it goes on.
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
    """Have signals raise KeyboardInterrupt in the main thread: once, as what ends then is not to be ended half-way.

    Parameters
    ----------
    numbers
        Which signals.
    """
    global _listened  # noqa: PLW0603 (as the handlers of signals are the process's)
    _listened = tuple(numbers)
    _waiting.clear()
    for number in _listened:
        signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if _holders:
        # No more yet: a program that is started now would ignore what we ignore.
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
    """Let signals wait until the end of the block: for a step that is short.

    Raises
    ------
    KeyboardInterrupt
        At its end in the main thread, if one came that `listen` listens to.
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
