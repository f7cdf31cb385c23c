"""What a build of the image starts ends with it, and so do the mounts, however it ends."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.image.alone import ImageError, run_alone
from sandbox.processes.waiting import wait_until

# A mount, and a process that goes on by itself: where nobody reads what it prints, tail ends.
WORK = """
mount -t tmpfs ours "$1/mounted" && touch "$1/mounted/file" "$1/begun" || exit
tail -f "$1/begun" > /dev/null & wait
"""
BUILD = """
import sys
from pathlib import Path
from sandbox.image.alone import run_alone
run_alone(["sh", "-c", sys.argv[1], "sh", sys.argv[2]], folder=Path(sys.argv[2]))
"""


REPOSITORY = Path(__file__).parents[2]


def mounts() -> str:
    return Path("/proc/self/mounts").read_text(encoding="utf-8")


def processes(folder: Path) -> list[int]:
    """Those whose command names a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Some end while we read.
        with suppress(FileNotFoundError, ProcessLookupError):
            if str(folder).encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def test_nothing_is_left_of_a_build_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    build = subprocess.Popen([sys.executable, "-c", BUILD, WORK, tmp_path], cwd=REPOSITORY)
    try:
        # Ours, unshare, the shell, and tail.
        wait_until(lambda: len(processes(tmp_path)) == 4, 30, "the program at work")
        wait_until((tmp_path / "begun").exists, 30, "the mount")
        assert str(tmp_path) not in mounts()
        assert list((tmp_path / "mounted").iterdir()) == []
    finally:
        build.kill()
        build.wait()
    wait_until(lambda: not processes(tmp_path), 10, "the end of all processes")
    assert str(tmp_path) not in mounts()


def test_what_a_program_said_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"(?s)^sh .*\nfailed with exit code 3:\nfirst\nsecond\n$"):
        run_alone(["sh", "-c", "echo first; echo second >&2; exit 3"], folder=tmp_path)
