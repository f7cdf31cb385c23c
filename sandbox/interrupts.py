"""Ctrl-C and its like, at a moment when what was begun can be ended.

Python raises KeyboardInterrupt between any two steps, also while a program is being started: then nobody knows of it
who could stop it, and it goes on.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

_holders: list[None] = []
_waiting: list[int] = []


def listen(numbers: Iterable[signal.Signals]) -> None:
    """Have signals raise KeyboardInterrupt in the main thread: once, as what ends then is not to be ended half-way.

    Parameters
    ----------
    numbers
        Which signals.
    """
    listened = tuple(numbers)

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in listened:
            signal.signal(each, signal.SIG_IGN)
        if not _holders:
            raise KeyboardInterrupt
        _waiting.append(number)

    _waiting.clear()
    for number in listened:
        signal.signal(number, interrupt)


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
            _waiting.clear()
            raise KeyboardInterrupt
