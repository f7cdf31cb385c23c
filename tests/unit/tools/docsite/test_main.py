"""Showing the site leaves no process behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]

SHOW = """
import sys
from pathlib import Path
from tools.docsite import __main__ as docsite
docsite._BUILD = Path(sys.argv[1])
docsite._generator = lambda *_: [sys.executable, "-c", "import os; print(os.getpid(), os.getcwd())"]
print("said before")
docsite.show()
"""


def test_the_server_is_the_process_that_was_started(tmp_path: Path) -> None:
    """So a signal to it ends the server: a child would outlive a parent that is ended by SIGTERM."""
    command = [sys.executable, "-c", SHOW, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as shown:
        said, _ = shown.communicate(timeout=60)
    assert said.splitlines() == ["said before", f"{shown.pid} {tmp_path}"]
