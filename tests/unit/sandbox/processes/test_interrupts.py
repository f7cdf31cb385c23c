"""An interrupt while a program is being started leaves none running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.processes import commands, process
from sandbox.processes.commands import call
from sandbox.processes.interrupts import held, listen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]
ECHO = [sys.executable, "-c", "import sys; print(sys.stdin.read(), end=''); sys.exit(3)"]


@pytest.fixture
def _listening() -> Iterator[None]:
    before = signal.getsignal(signal.SIGUSR1)
    listen([signal.SIGUSR1])
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The programs that were started. An interrupt comes just when one is, and nobody knows of it yet."""
    programs: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            os.kill(os.getpid(), signal.SIGUSR1)
            super().__init__(*arguments, **options)
            programs.append(self)
            os.kill(os.getpid(), signal.SIGUSR1)

    for module in (commands, process):
        monkeypatch.setattr(module.subprocess, "Popen", Interrupted)
    return programs


@pytest.mark.usefixtures("_listening")
def test_a_call_is_ended(started: list[subprocess.Popen[str]]) -> None:
    with pytest.raises(KeyboardInterrupt):
        call(SLEEP, environment=os.environ, stdin=None, timeout=60)
    assert [program.returncode for program in started] == [-signal.SIGKILL]


@pytest.mark.usefixtures("_listening")
def test_a_process_is_ended(started: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        process.Process("sleep", SLEEP, tmp_path).start()
    assert [program.returncode for program in started] == [-signal.SIGTERM]


@pytest.mark.usefixtures("_listening")
def test_a_program_that_is_started_meanwhile_ignores_nothing(started: list[subprocess.Popen[str]]) -> None:
    show = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL)"]

    def start() -> None:
        with held():
            child = subprocess.Popen(show, stdout=subprocess.PIPE, text=True)
            assert child.communicate(timeout=60)[0] == "True\n"

    with pytest.raises(KeyboardInterrupt):
        start()
    assert len(started) == 1


@pytest.mark.usefixtures("_listening")
def test_only_the_first_counts_and_it_waits_for_the_outermost_block() -> None:
    reached = []

    def blocks() -> None:
        with held():
            with held():
                os.kill(os.getpid(), signal.SIGUSR1)
                reached.append("inner")
            reached.append("outer")
        reached.append("after")

    with pytest.raises(KeyboardInterrupt):
        blocks()
    assert reached == ["inner", "outer"]
    os.kill(os.getpid(), signal.SIGUSR1)  # ignored now: what ends is not to be ended half-way


@pytest.mark.usefixtures("_listening")
def test_another_thread_holds_nothing_up() -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with held():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGUSR1)
    leave.set()
    thread.join()


def test_what_a_call_gives() -> None:
    done = call(ECHO, environment=os.environ, stdin="text", timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, "text", "")


def test_a_call_that_takes_too_long_does_not_wait_for_what_it_has_started() -> None:
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        call(["sh", "-c", "sleep 20 & sleep 30"], environment=os.environ, stdin=None, timeout=0.2)
    assert time.monotonic() - began < 10


def test_a_call_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    programs: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        programs.append(popen(*arguments, **options))
        return programs[-1]

    monkeypatch.setattr("sandbox.processes.commands.subprocess.Popen", start)
    with pytest.raises(subprocess.TimeoutExpired):
        call(SLEEP, environment=os.environ, stdin=None, timeout=0.2)
    assert [program.returncode for program in programs] == [-signal.SIGKILL]
