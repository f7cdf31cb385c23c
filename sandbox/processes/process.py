"""A program that runs in parallel with the tests, and ends with them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sandbox.processes.interrupts import held
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

_GUARD = Path(__file__).with_name("guard.py")
_TAIL_LINES = 20


class ProcessError(RuntimeError):
    """A program did not start, or ended too early. The message has the end of its log."""


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a text, indented.

    Parameters
    ----------
    text
        The text, for example of a log.
    lines
        The maximum number of lines.

    Returns
    -------
    str
        The lines, or a note that there are none.
    """
    last = text.rstrip().splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in last) if last else "    (nothing)"


@dataclass
class Process:
    """A program as a context manager: started and ready inside, gone afterwards.

    It runs in its own session, so that Ctrl-C in the terminal reaches only us and programs are stopped in order;
    and behind the guard (see `sandbox.processes.guard`), so that it dies with us even if we are killed. Start it from a
    thread that lives long enough.
    """

    name: str
    """Its name in errors, and for its log file."""
    command: Sequence[str | Path]
    """The program and its arguments."""
    folder: Path
    """The folder for its log, ``<name>.log``. A second start appends to it."""
    environment: Mapping[str, str] | None = None
    """Its whole environment. Default: ours."""
    working_directory: Path | None = None
    """Its working directory. Default: `folder`."""
    ready: Callable[[], bool] | None = None
    """Returns whether it is ready; a failed connection means "not yet". Default: it is ready at once."""
    ready_timeout: float = 60.0
    """Seconds it may take to become ready."""
    stop_timeout: float = 10.0
    """Seconds it may take to end after SIGTERM; then it gets SIGKILL."""

    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def pid(self) -> int:
        """The process ID of the last start."""
        if self._child is None:
            message = f"{self.name} was never started"
            raise ProcessError(message)
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: the signal that ended it), or None."""
        return None if self._child is None else self._child.poll()

    @property
    def log_file(self) -> Path:
        """The file for its standard output and standard error."""
        return self.folder / f"{self.name}.log"

    @property
    def log(self) -> str:
        """Its output so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        """Start it, and wait until it is ready.

        Raises
        ------
        ProcessError
            If it ended, or was not ready in time. Nothing is left running in that case.
        """
        if self.running:
            message = f"{self.name} is already running, as process {self.pid}"
            raise ProcessError(message)
        guarded = [sys.executable, "-I", "-S", _GUARD, str(os.getpid()), *self.command]
        try:
            with self.log_file.open("ab") as log, held():
                self._child = subprocess.Popen(
                    guarded,
                    env=self.environment,
                    cwd=self.working_directory or self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_ready(self) -> None:
        if self.ready is None:
            return
        ready = self.ready
        started = time.monotonic()
        try:
            wait_until(lambda: not self.running or ready(), self.ready_timeout, f"{self.name} ready")
        except TimeoutError as error:
            message = f"{self.name} was not ready within {self.ready_timeout:g} s ({error.__cause__})."
            raise ProcessError(message + self._log_tail()) from error
        if not self.running:
            seconds = time.monotonic() - started
            message = f"{self.name} ended {seconds:.1f} s after its start with exit code {self.exit_code}."
            raise ProcessError(message + self._log_tail())

    def _log_tail(self) -> str:
        return f" The end of {self.log_file}:\n{tail(self.log)}"

    def check(self) -> None:
        """Ensure that it is still running.

        Raises
        ------
        ProcessError
            If it is not.
        """
        if not self.running:
            message = f"{self.name} ended with exit code {self.exit_code}."
            raise ProcessError(message + self._log_tail())

    def wait(self, timeout: float) -> int:
        """Wait until it has ended.

        Parameters
        ----------
        timeout
            The maximum time in seconds.

        Returns
        -------
        int
            Its exit code; negative, the signal that ended it.

        Raises
        ------
        TimeoutError
            If it is still running.
        """
        if self._child is None:
            message = f"{self.name} was never started"
            raise ProcessError(message)
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            message = f"{self.name} still runs after {timeout:g} s"
            raise TimeoutError(message) from error

    def send(self, signal_number: signal.Signals) -> None:
        """Send it a signal, if it is running.

        Parameters
        ----------
        signal_number
            The signal.
        """
        if self._child is not None:
            self._child.send_signal(signal_number)

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not. Repeated calls do no harm."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(self.stop_timeout)
        except BaseException as error:
            # Not only for a timeout: an impatient second Ctrl-C must not leave it running, either.
            self.kill()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
