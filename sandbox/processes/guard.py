"""Ties a child process to its parent: run as a script, it becomes the program named after it.

``python guard.py <pid of the parent> <program> [argument …]``

On Linux, it asks the kernel to kill this process when its parent dies, however the parent dies (even ``kill -9`` of a
test run), and then turns into the program, with the same process ID. On other systems, the guard only starts the
program.

For the kernel, the parent is a *thread*: a program started from a thread dies when that thread ends. Start programs
from the main thread, or from one that lives long enough.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1

# The exit codes of a shell that cannot run a program, and of a process that was killed.
_CANNOT_RUN = 127
_KILLED = 128 + signal.SIGKILL


def main(arguments: list[str]) -> int:
    """Become the program, or report why not.

    Parameters
    ----------
    arguments
        The process ID of the parent, the program, its arguments.

    Returns
    -------
    int
        The exit code, if the program could not be run.
    """
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            sys.stderr.write(f"guard: prctl: {os.strerror(ctypes.get_errno())}\n")
            return _CANNOT_RUN
    # The parent may have died before the kernel was asked.
    if os.getppid() != parent:
        return _KILLED
    # Python ignores SIGPIPE, and the program would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is meant
    except OSError as error:
        sys.stderr.write(f"guard: {command[0]}: {error.strerror}\n")
    return _CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
