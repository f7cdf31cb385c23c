"""``python -m tools.program NAME``: prints where a program of the sandbox is, and builds it if need be."""

from __future__ import annotations

import sys

from sandbox.processes.output import say
from sandbox.toolchain.go import GoError
from sandbox.toolchain.provision import program

if __name__ == "__main__":
    try:
        say(str(program(sys.argv[1])))
    except (GoError, OSError) as error:
        sys.exit(f"tools.program: {error}")
