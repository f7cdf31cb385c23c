"""``python -m sandbox``: a Kubernetes control plane and an AppConfig, until Ctrl-C. ``… build``: only the programs."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

from sandbox.control_plane import ControlPlane
from sandbox.go import GoError
from sandbox.ministack import MiniStack
from sandbox.modules import GROUPS
from sandbox.process import ProcessError
from sandbox.provision import ensure_programs

if TYPE_CHECKING:
    from types import FrameType

_CHECK_INTERVAL = 1.0
_STOPPED_WHILE_BUILDING = 130


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough: what is stopping now is not to be stopped half-way.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _run() -> None:
    with ExitStack() as stack:
        _say("Starting a Kubernetes control plane and an AppConfig …")
        control_plane = stack.enter_context(ControlPlane())
        ministack = stack.enter_context(MiniStack())
        environment = " ".join(f"{name}={value}" for name, value in ministack.environment().items())
        _say("\nReady. In another terminal:\n")
        _say(f"export KUBECONFIG={control_plane.kubeconfig}")
        _say(f"export {environment}")
        _say("\nCtrl-C stops both and removes all that they hold.")
        while True:
            for process in (*control_plane.processes, ministack.process):
                process.check()
            time.sleep(_CHECK_INTERVAL)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        After the name of the program. Default: the process's own.

    Returns
    -------
    int
        The exit code: 0 when stopped by Ctrl-C or SIGTERM, or when all is built; 1 if something failed.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "build"], default="run", help="default: run")
    parser.add_argument(
        "--for",
        choices=sorted(GROUPS),
        action="append",
        dest="groups",
        help="build: what for; may be repeated (default: control-plane)",
    )
    options = parser.parse_args(arguments)
    command = options.command
    modules = [module for group in options.groups or ["control-plane"] for module in GROUPS[group]]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        programs = ensure_programs(modules=modules)
        if command == "run":
            _run()
    except KeyboardInterrupt:
        _say("\nStopped." if command == "run" else "\nInterrupted.")
        return 0 if command == "run" else _STOPPED_WHILE_BUILDING
    except (GoError, ProcessError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    for path in programs.values():
        _say(str(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
