"""How deep JSON may be nested: as deep as the API server takes it from anybody, in every thread.

Metadata of others may be 10,000 levels deep (`managedFields`), and a list has two levels more. What cannot be read
would hide all that stands in the same list.
"""

from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # typeshed does not know it
from typing import Any

STACK_BYTES = 64 * 1024 * 1024
"""Of a thread: virtual memory, of which it takes what it uses. Too little for the limit below would be a crash."""

RECURSION_LIMIT = 30_000
"""Three Python calls a level, which is what `copy.deepcopy` comes near to."""


def deepen() -> None:
    """Set both. Before any thread is started: the stack is that of threads to come.

    Python 3.12 and 3.13 have a limit of their own for C, of 10,000 calls and less, that cannot be set. What is beyond
    is read by the scanner of the standard library that is written in Python, also for Kopf.
    """
    threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(RECURSION_LIMIT)
    with suppress(AttributeError):  # private: another Python may have none
        decoder: Any = json._default_decoder  # type: ignore[attr-defined]  # noqa: SLF001 (json.loads has no other way)
        quick, deep = decoder.scan_once, py_make_scanner(decoder)

        def scan_once(text: str, index: int) -> tuple[Any, int]:
            try:
                found: tuple[Any, int] = quick(text, index)
            except RecursionError:
                found = deep(text, index)
            return found

        decoder.scan_once = scan_once
