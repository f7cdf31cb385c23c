"""Prints a story to the terminal: numbered steps, reasons, commands and their output."""

from __future__ import annotations

import os
import shlex
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_INDENT = "   "
_WIDTH = 100


class Narrator:
    """Writes the story. Every part is visible at once, even through a pipe.

    Parameters
    ----------
    stream
        The output. On a terminal, titles and commands are bold, unless ``NO_COLOR`` is set.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._steps = 0
        self._blank = False
        self._styled = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
        self._blank = False

    def _space(self) -> None:
        """Leave one empty line, and never two."""
        if not self._blank:
            self._write("")
        self._blank = True

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._styled else text

    def title(self, text: str) -> None:
        """Start a part without a number."""
        self._space()
        self._write(self._bold(text))

    def step(self, text: str) -> None:
        """Start the next step."""
        self._steps += 1
        self.title(f"{self._steps}. {text}")

    def say(self, text: str) -> None:
        """Print a paragraph, for example the reason for the next command."""
        self._write(textwrap.fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))

    def command(self, words: Sequence[str]) -> None:
        """Print a command that can be pasted into a shell."""
        self._write(f"{_INDENT}{self._bold('$ ' + shlex.join(words))}")

    def output(self, text: str) -> None:
        """Print the output of a command, unchanged."""
        for line in text.strip("\n").splitlines():
            self._write(f"{_INDENT}{line}".rstrip())
        self._space()
