"""The code in docs/reading-the-file.md, with versions swapped under it as the kubelet does."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reading-the-file.md"
ITEMS = 20_000


def example(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return str(code)


class Mount:
    """A ConfigMap in a volume: a folder a version, and a link that is renamed over the old one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0
        folder.mkdir()

    def swap(self, **files: str) -> None:
        self._number += 1
        new = self.folder / f"..2026_11_22_10_15_00.{self._number}"
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text, encoding="utf-8")
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        link = self.folder / "..data"
        old = link.resolve() if link.is_symlink() else None
        (self.folder / "..data_tmp").symlink_to(new.name)
        (self.folder / "..data_tmp").rename(link)
        if old:
            shutil.rmtree(old)


def document(number: int) -> str:
    return json.dumps([number] * ITEMS)


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    return Mount(tmp_path / "mount")


@pytest.fixture
def watched(mount: Mount) -> Iterator[tuple[list[Any], Callable[[], None]]]:
    """What the Python example has handed on so far, and how to start it."""
    names: dict[str, Any] = {}
    exec(compile(example("python"), PAGE.name, "exec"), names)  # noqa: S102 (the page's own code)
    used: list[Any] = []
    stop = threading.Event()
    thread = threading.Thread(target=names["watch"], args=(mount.folder, "config", used.append, stop))
    yield used, thread.start
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_python_hands_each_version_on(mount: Mount, watched: tuple[list[Any], Callable[[], None]]) -> None:
    used, start = watched
    mount.swap(config="1")
    start()
    wait_until(lambda: used == [1], timeout=10, what="the version of the start")
    mount.swap(config="2")
    wait_until(lambda: used == [1, 2], timeout=10, what="the next version")


def test_python_keeps_the_last_good_version(mount: Mount, watched: tuple[list[Any], Callable[[], None]]) -> None:
    used, start = watched
    mount.swap(config="1")
    start()
    wait_until(lambda: used == [1], timeout=10, what="the version of the start")
    said = io.StringIO()
    with redirect_stdout(said):
        mount.swap(config="{")
        wait_until(lambda: "the version before is used on" in said.getvalue(), timeout=10, what="the complaint")
    mount.swap(config="3")
    wait_until(lambda: used == [1, 3], timeout=10, what="the version that mends it")


def test_python_waits_for_a_key_that_is_not_there_yet(
    mount: Mount, watched: tuple[list[Any], Callable[[], None]]
) -> None:
    used, start = watched
    mount.swap()
    start()
    mount.swap(other="1")
    mount.swap(config="2")
    wait_until(lambda: used == [2], timeout=10, what="the key")


def test_nobody_sees_half_of_a_version(mount: Mount) -> None:
    mount.swap(config=document(0))
    over = threading.Event()

    def swap() -> None:
        for number in range(1, 200):
            mount.swap(config=document(number))
        over.set()

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[int] = set()
    while not over.is_set():
        try:
            numbers = json.loads((mount.folder / "config").read_text("utf-8"))
        except FileNotFoundError:
            continue  # swapped while the kernel followed the links
        assert len(numbers) == ITEMS
        assert len(set(numbers)) == 1, "of two versions"
        seen.add(numbers[0])
    thread.join()
    assert len(seen) > 1, "it never read while versions were swapped"


def test_who_has_opened_the_file_reads_the_old_version(mount: Mount) -> None:
    mount.swap(config="1")
    with (mount.folder / "config").open(encoding="utf-8") as file:
        mount.swap(config="2")
        assert file.read() == "1"
    assert (mount.folder / "config").read_text("utf-8") == "2"


@pytest.fixture
def told(mount: Mount, tmp_path: Path) -> Iterator[Path]:
    """The file that the shell example's command adds a line to."""
    mount.swap(config="1")
    script, told = tmp_path / "on-change", tmp_path / "told"
    script.write_text(example("sh"), encoding="utf-8")
    command = [sys.executable, "-c", f"open({str(told)!r}, 'a').write(open({str(mount.folder / 'config')!r}).read())"]
    with subprocess.Popen(["sh", str(script), str(mount.folder), *command], start_new_session=True) as process:
        try:
            # It is in its loop when it sleeps.
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            wait_until(lambda: "sleep" in names_of(children.read_text().split()), timeout=10, what="the loop")
            yield told
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def names_of(processes: list[str]) -> set[str]:
    found = set()
    for process in processes:
        name = Path(f"/proc/{process}/comm")
        if name.exists():
            found.add(name.read_text().strip())
    return found


def test_the_shell_runs_the_command_with_each_version(mount: Mount, told: Path) -> None:
    mount.swap(config="2")
    wait_until(lambda: told.exists() and told.read_text() == "2", timeout=10, what="the next version")
    mount.swap(config="3")
    wait_until(lambda: told.read_text() == "23", timeout=10, what="the one after it")
