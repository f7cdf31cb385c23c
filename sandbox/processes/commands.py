"""Programs that end by themselves."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from sandbox.processes.interrupts import held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def call(
    command: Sequence[str], *, environment: Mapping[str, str], stdin: str | None, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. Unlike `subprocess.run`, it leaves none running whenever `listen` hears an interrupt.

    Parameters
    ----------
    command
        The program and its arguments.
    environment
        All of its environment.
    stdin
        What it can read. Default: nothing.
    timeout
        Seconds.

    Returns
    -------
    subprocess.CompletedProcess
        Exit code and output.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer. It is killed then.
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
            with child:  # it closes the pipes, whoever else has them, and waits for the child alone
                pass
        raise
    return subprocess.CompletedProcess(command, child.returncode, output, errors)
