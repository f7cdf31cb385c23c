"""Standard output whose reader has gone: `make image | head -n 1` is no error of the image."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]

SAY = "from sandbox.processes.output import say; say('one'); input(); say('two'); say('three'); raise SystemExit(3)"
IMAGE = """
import sys
from pathlib import Path
from sandbox.image import __main__ as image
image.build_image = lambda: Path("image.tar")
class Archive:
    def __init__(self, path): self.compressed = self.unpacked = 1_000_000
image.Archive = Archive
input()
sys.exit(image.main())
"""

# What may write by itself, and why.
BY_THEMSELVES = {
    "sandbox/processes/output.py": "it is what the others write with",
    "sandbox/__main__.py": "servers end when nobody reads of them",
    "sandbox/demo/__main__.py": "a demo whose reader has gone stops telling, and cleans up",
    "sandbox/image/interpreter.py": "a program that is given to another Python",
    "tools/image/locked.py": "it runs while the image is built, with nothing of ours beside it",
    "benchmarks/loops/identities.py": "a measurement that is started by hand",
    "benchmarks/loops/paced.py": "its reader is the benchmark that started it",
}


@pytest.mark.parametrize(("code", "status"), [(SAY, 3), (IMAGE, 0)], ids=["say", "image"])
def test_what_nobody_reads_is_no_error(code: str, status: int) -> None:
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writer)
        os.close(reader)
        _, complaints = process.communicate("\n", timeout=30)
    assert (process.returncode, complaints) == (status, "")


@pytest.mark.parametrize("folder", ["sandbox", "tools", "benchmarks"])
def test_all_that_writes_can_do_without_a_reader(folder: str) -> None:
    found = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py") if _writes(path.read_text("utf-8"))}
    assert found <= set(BY_THEMSELVES)


@pytest.mark.parametrize(
    "code",
    [
        "sys.stdout.write('x')",
        "run(sys.stdout.write)",
        "json.dump(x, sys.stdout)",
        "sys.stdout.buffer.write(x)",
        "print('x', file=sys.stdout)",
        "from sys import stdout",
        "print('x')",
        "run(write=print)",
    ],
)
def test_all_ways_to_write_are_found(code: str) -> None:
    assert _writes(code)


@pytest.mark.parametrize("code", ["print('x', file=sys.stderr)", "sys.stdout.isatty()", "sys.stdout.flush()", "say(1)"])
def test_nothing_else_is_found(code: str) -> None:
    assert not _writes(code)


def _writes(code: str) -> bool:
    """Return whether code prints, or has standard output in its hands: called, or given to somebody who will."""
    tree = ast.parse(code)
    harmless = {
        node.func
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print" and _elsewhere(node)
    } | {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"isatty", "fileno", "flush", "reconfigure"}
    }
    return any(
        ast.unparse(node) in {"print", "sys.stdout", "from sys import stdout"}
        for node in ast.walk(tree)
        if isinstance(node, (ast.Name, ast.Attribute, ast.ImportFrom)) and node not in harmless
    )


def _elsewhere(call: ast.Call) -> bool:
    """Return whether a print is to something that is not standard output."""
    return any(word.arg == "file" and ast.unparse(word.value) != "sys.stdout" for word in call.keywords)
