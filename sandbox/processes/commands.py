"""Programs that run to their end."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from sandbox.processes.interrupts import held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def call(
    command: Sequence[str], *, environment: Mapping[str, str], stdin: str | None, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. Unlike `subprocess.run`, this never leaves it running when `listen` gets an interrupt.

    Parameters
    ----------
    command
        The program and its arguments.
    environment
        Its whole environment.
    stdin
        Its standard input. Default: nothing.
    timeout
        Seconds.

    Returns
    -------
    subprocess.CompletedProcess
        Its exit code and output.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer. In that case, it is killed.
    """
    child: subprocess.Popen[str] | None = None
    try:
        with held():
            child = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        output, errors = child.communicate(stdin, timeout)
    except BaseException:
        if child is not None:
            child.kill()
            with child:  # this closes the pipes, even if other processes have them, and waits only for the child
                pass
        raise
    return subprocess.CompletedProcess(command, child.returncode, output, errors)


class Tool(ABC):
    """A command-line program, as users call it."""

    name: ClassVar[str]
    failure: ClassVar[type[Exception]]
    """The exception that is raised if it fails."""

    @abstractmethod
    def _run(self, arguments: Sequence[str | Path], stdin: str | None) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""

    def __call__(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """Run it.

        Parameters
        ----------
        *arguments
            As on the command line.
        stdin
            Text for `-f -`.

        Returns
        -------
        str
            Its standard output.

        Raises
        ------
        Exception
            `failure`, if it fails.
        """
        done = self._run(arguments, stdin)
        if done.returncode != 0:
            message = f"{self.name} {' '.join(map(str, arguments))}: {done.stderr.strip()}"
            raise self.failure(message)
        return done.stdout
