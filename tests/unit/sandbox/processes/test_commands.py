"""Programs of the command line: what they wrote, or why they failed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.processes.commands import Tool, call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from subprocess import CompletedProcess


class Python(Tool):
    name = "python"
    failure = LookupError

    def _run(self, arguments: Sequence[str | Path], stdin: str | None) -> CompletedProcess[str]:
        return call([sys.executable, *map(str, arguments)], environment={}, stdin=stdin, timeout=60)


def test_a_program_gets_its_input_and_gives_its_output() -> None:
    assert Python()("-c", "print(input())", stdin="x\n") == "x\n"


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(LookupError, match=r"^python -c import sys; sys\.exit\('why'\): why$"):
        Python()("-c", "import sys; sys.exit('why')")
