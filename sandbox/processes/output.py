"""Standard output, as long as it is read: `| head -n 1` stops after one line."""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Write one or more lines. It is not an error if they are not read, and does not change the exit code."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        give_up()


def give_up() -> None:
    """Write nothing more: otherwise, Python would report an error when it flushes the rest at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
