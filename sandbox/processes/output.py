"""Standard output, for as long as somebody reads it: `| head -n 1` has what it wants after one line."""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Write a line, or several. What nobody reads is no error, and changes no exit code."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        give_up()


def give_up() -> None:
    """Write nothing more: Python would complain of the rest when it flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
