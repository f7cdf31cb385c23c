"""Programs start, are ready, and are gone, whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import Process, ProcessError, wait_until
from sandbox.processes.process import tail

FOREVER = "import time\nprint('up', flush=True)\nwhile True: time.sleep(60)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER


def python(folder: Path, code: str) -> Process:
    process = Process("child", [sys.executable, "-c", code], folder, ready_timeout=10.0)
    process.ready = lambda: "up" in process.log
    return process


def gone(pid: int) -> bool:
    # A zombie is gone, too: it only waits for whoever is to be notified.
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def test_it_runs_inside_and_not_after(tmp_path: Path) -> None:
    with python(tmp_path, FOREVER) as process:
        assert process.running
        assert process.exit_code is None
    assert not process.running
    assert process.exit_code == -signal.SIGTERM
    assert gone(process.pid)


def test_stopping_twice_or_before_a_start_does_no_harm(tmp_path: Path) -> None:
    process = python(tmp_path, FOREVER)
    process.stop()
    process.start()
    process.stop()
    process.stop()
    assert gone(process.pid)


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    process = python(tmp_path, STUBBORN)
    process.stop_timeout = 0.2
    with process:
        pass
    assert process.exit_code == -signal.SIGKILL


def test_it_can_start_again(tmp_path: Path) -> None:
    process = python(tmp_path, FOREVER)
    with process:
        first = process.pid
    process.ready = lambda: process.log.count("up") == 2
    with process:
        assert process.pid != first


def test_a_second_start_beside_the_first_is_refused(tmp_path: Path) -> None:
    with python(tmp_path, FOREVER) as process, pytest.raises(ProcessError, match="is already running"):
        process.start()


def test_one_that_ends_at_its_start_says_why(tmp_path: Path) -> None:
    process = python(tmp_path, "import sys; print('bad flag'); sys.exit(7)")
    process.ready = lambda: False
    with pytest.raises(ProcessError, match=r"child ended .* exit code 7\.(?s:.*)    bad flag"):
        process.start()


def test_a_program_that_does_not_exist_says_so(tmp_path: Path) -> None:
    process = Process("child", ["/no/such/program"], tmp_path, ready=lambda: False)
    with pytest.raises(ProcessError, match=r"exit code 127(?s:.*)/no/such/program: No such file"):
        process.start()


def test_one_that_is_not_ready_in_time_is_stopped(tmp_path: Path) -> None:
    process = python(tmp_path, FOREVER)
    process.ready_timeout = 0.3

    def refused() -> bool:
        raise ConnectionRefusedError

    process.ready = refused
    with pytest.raises(ProcessError, match=r"not ready within 0\.3 s"):
        process.start()
    assert gone(process.pid)


def test_an_error_of_the_ready_check_leaves_nothing_running(tmp_path: Path) -> None:
    process = python(tmp_path, FOREVER)

    def broken() -> bool:
        raise KeyboardInterrupt

    process.ready = broken
    with pytest.raises(KeyboardInterrupt):
        process.start()
    assert gone(process.pid)


def test_check_says_that_it_has_ended(tmp_path: Path) -> None:
    with python(tmp_path, FOREVER) as process:
        process.check()
        process.kill()
        with pytest.raises(ProcessError, match=r"child ended with exit code -9\.(?s:.*)    up"):
            process.check()


def test_wait_gives_the_exit_code_and_is_bounded(tmp_path: Path) -> None:
    with python(tmp_path, FOREVER) as process:
        with pytest.raises(TimeoutError, match="still runs"):
            process.wait(0.1)
        process.send(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL


def test_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    with python(tmp_path, FOREVER) as process:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_it_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from sandbox import Process
process = Process("child", [sys.executable, "-c", {STUBBORN!r}], Path({str(tmp_path)!r}))
process.ready = lambda: "up" in process.log
process.start()
print(process.pid, flush=True)
sys.stdin.read()
"""
    root = Path(__file__).parents[4]
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
    try:
        wait_until(lambda: gone(child), 10, "the child gone")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_it_does_not_start_under_another_parent(tmp_path: Path) -> None:
    guard = Path(__file__).parents[4] / "sandbox" / "processes" / "guard.py"
    mark = tmp_path / "mark"
    run = subprocess.run([sys.executable, guard, "1", "touch", mark], check=False)
    assert run.returncode == 128 + signal.SIGKILL
    assert not mark.exists()


def test_sigpipe_is_not_ignored_in_it(tmp_path: Path) -> None:
    process = Process("child", ["/bin/sh", "-c", "grep SigIgn /proc/self/status; exec sleep 600"], tmp_path)
    process.ready = lambda: "SigIgn" in process.log
    with process:
        ignored = int(process.log.split()[1], 16)
    assert not ignored >> (signal.SIGPIPE - 1) & 1


def test_tail_gives_the_last_lines() -> None:
    assert tail("a\nb\nc\n\n", lines=2) == "    b\n    c"
    assert tail("  \n") == "    (nothing)"


def test_waiting_gives_the_answer() -> None:
    answers = iter([0, 0, 5])
    assert wait_until(lambda: next(answers), 10, "five") == 5


def test_waiting_is_bounded_and_says_for_what() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"the moon: not within 0\.2 s"):
        wait_until(lambda: False, 0.2, "the moon")
    assert time.monotonic() - started < 5


def test_waiting_takes_a_refused_connection_for_not_yet() -> None:
    def refused() -> bool:
        raise ConnectionRefusedError

    with pytest.raises(TimeoutError) as caught:
        wait_until(refused, 0.1, "a server")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
