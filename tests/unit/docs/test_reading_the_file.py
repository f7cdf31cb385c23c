"""The code in docs/reading-the-file.md, with versions swapped under it as the kubelet does."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[3] / "docs" / "reading-the-file.md"
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


class Looks(threading.Event):
    """The event that ends the Python example. It counts how often it is waited for, and does not wait as long."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == 1, "it looks once a second"
        self.number += 1
        return super().wait(0.01)

    def some(self) -> None:
        """Wait until it has looked again, more than once."""
        wanted = self.number + 3
        wait_until(lambda: self.number >= wanted, timeout=10, what="some looks")


@dataclass
class Watch:
    """The Python example at work."""

    looks: Looks
    used: list[Any]
    start: Callable[[], None]


@pytest.fixture
def watch(mount: Mount) -> Iterator[Watch]:
    names: dict[str, Any] = {}
    exec(compile(example("python"), PAGE.name, "exec"), names)  # noqa: S102 (the page's own code)
    looks, used = Looks(), list[Any]()

    def use(document: object) -> None:
        if document == "refused":
            raise RuntimeError("not a document of this program")
        used.append(document)

    thread = threading.Thread(target=names["watch"], args=(mount.folder, "config", use, looks))
    yield Watch(looks, used, thread.start)
    looks.set()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_python_hands_each_version_on_once(mount: Mount, watch: Watch) -> None:
    mount.swap(config="1")
    watch.start()
    watch.looks.some()
    assert watch.used == [1]
    mount.swap(config="2")
    watch.looks.some()
    assert watch.used == [1, 2]


def test_python_keeps_the_last_good_version(mount: Mount, watch: Watch) -> None:
    mount.swap(config="1")
    with redirect_stdout(io.StringIO()) as said:
        watch.start()
        watch.looks.some()
        mount.swap(config="{")
        watch.looks.some()
    assert said.getvalue().count("config: keeping the previous version") == 1
    mount.swap(config="3")
    watch.looks.some()
    assert watch.used == [1, 3]


def test_python_goes_on_after_a_version_that_the_program_refuses(mount: Mount, watch: Watch) -> None:
    mount.swap(config="1")
    with redirect_stdout(io.StringIO()) as said:
        watch.start()
        watch.looks.some()
        mount.swap(config='"refused"')
        watch.looks.some()
    assert said.getvalue().count("config: keeping the previous version: RuntimeError") == 1
    mount.swap(config="3")
    watch.looks.some()
    assert watch.used == [1, 3]


def test_python_waits_for_a_key_that_is_not_there_yet(mount: Mount, watch: Watch) -> None:
    mount.swap()
    watch.start()
    watch.looks.some()
    mount.swap(other="1", config="2")
    watch.looks.some()
    assert watch.used == [2]


def test_nobody_sees_half_of_a_version(mount: Mount) -> None:
    mount.swap(config=document(0))
    over = threading.Event()

    def swap() -> None:
        for number in range(1, 100):
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


@dataclass
class OnChange:
    """The shell example at work."""

    reported: Path
    """What its command adds the content of the file to."""
    ticks: Path
    """What its `sleep` adds a line to."""

    def some(self) -> str:
        """Wait until it has looked again, more than once, and give what was reported."""
        wanted = len(self.ticks.read_text().splitlines()) + 3
        wait_until(lambda: len(self.ticks.read_text().splitlines()) >= wanted, timeout=20, what="some looks")
        return self.reported.read_text()


@pytest.fixture
def on_change(mount: Mount, tmp_path: Path) -> Iterator[OnChange]:
    mount.swap(config="1")
    found = OnChange(tmp_path / "reported", tmp_path / "ticks")
    found.reported.touch()
    found.ticks.touch()
    script, sleep = tmp_path / "on-change", tmp_path / "sleep"
    script.write_text(example("sh"), encoding="utf-8")
    sleep.write_text(f'#!/bin/sh\ntest "$1" = 1 && echo >> {found.ticks} && exec {shutil.which("sleep")} 0.05\n')
    sleep.chmod(0o755)
    # Its command fails, as one may: that must not end the watch.
    shell = f"cat {mount.folder}/config >> {found.reported}; false"
    command: list[str | Path] = ["sh", script, mount.folder, "sh", "-c", shell]
    path = f"{tmp_path}:{os.environ['PATH']}"
    with subprocess.Popen(command, start_new_session=True, env={"PATH": path}) as process:
        try:
            yield found
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_the_shell_runs_the_command_once_for_each_version(mount: Mount, on_change: OnChange) -> None:
    assert on_change.some() == ""
    mount.swap(config="2")
    assert on_change.some() == "2"
    mount.swap(config="3")
    assert on_change.some() == "23"
