"""How deeply JSON may be nested: as deeply as the API server accepts it from anyone, in every thread.

Metadata from others can have 10,000 levels (`managedFields`), and a list adds two. One object that cannot be read would
hide all others in the same list.
"""

from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # typeshed does not know it
from typing import Any

STACK_BYTES = 64 * 1024 * 1024
"""Stack of a thread: virtual memory, of which only the used part counts. Too little for the limit below would crash."""

RECURSION_LIMIT = 30_000
"""Three Python calls per level, about what `copy.deepcopy` needs."""


def deepen() -> None:
    """Set both. Call this before any thread is started: the stack size applies to new threads only.

    Python 3.12 and 3.13 have a separate limit for C code, of 10,000 calls or less, which cannot be changed. Anything
    deeper is read by the standard library's scanner in Python, for Kopf too.
    """
    threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(RECURSION_LIMIT)
    with suppress(AttributeError):  # private: other versions of Python may not have it
        decoder: Any = json._default_decoder  # type: ignore[attr-defined]  # noqa: SLF001 (json.loads has no other way)
        quick, deep = decoder.scan_once, py_make_scanner(decoder)

        def scan_once(text: str, index: int) -> tuple[Any, int]:
            try:
                found: tuple[Any, int] = quick(text, index)
            except RecursionError:
                found = deep(text, index)
            return found

        decoder.scan_once = scan_once
