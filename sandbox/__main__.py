"""``python -m sandbox``: a Kubernetes control plane and an AppConfig, until Ctrl-C; with ``--node``, Pods run, too.

``python -m sandbox build``: only the programs.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sandbox.aws.ministack import MiniStack
from sandbox.kube.control_plane import ControlPlane
from sandbox.node import BUSYBOX_IMAGE, Cluster, PackagesError
from sandbox.processes.interrupts import listen
from sandbox.processes.output import give_up, say
from sandbox.processes.process import ProcessError
from sandbox.toolchain.go import GoError
from sandbox.toolchain.modules import GROUPS
from sandbox.toolchain.provision import ensure_programs

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.processes.process import Process

_CHECK_INTERVAL = 1.0
_STOPPED_WHILE_BUILDING = 130


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _start(stack: ExitStack, *, node: bool) -> tuple[Path, MiniStack, list[Process]]:
    if node:
        cluster = stack.enter_context(Cluster())
        ministack = stack.enter_context(MiniStack(host=cluster.host))
        return cluster.kubeconfig, ministack, [*cluster.processes, ministack.process]
    control_plane = stack.enter_context(ControlPlane())
    ministack = stack.enter_context(MiniStack())
    return control_plane.kubeconfig, ministack, [*control_plane.processes, ministack.process]


def _run(*, node: bool) -> None:
    with ExitStack() as stack:
        _say(f"Starting a Kubernetes {'cluster of one node' if node else 'control plane'} and an AppConfig …")
        kubeconfig, ministack, processes = _start(stack, node=node)
        environment = " ".join(f"{name}={value}" for name, value in ministack.environment().items())
        _say("\nReady. In another terminal:\n")
        _say(f"export KUBECONFIG={kubeconfig}")
        # The cache may be that of an earlier cluster at the same address.
        _say(f"export KUBECACHEDIR={kubeconfig.with_name('kubectl-cache')}")
        _say(f"export {environment}")
        if node:
            _say(f"\nPods have the image {BUSYBOX_IMAGE}, with imagePullPolicy: Never.")
        _say("\nCtrl-C stops both and removes all that they hold.")
        while True:
            for process in processes:
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
        The exit code: 0 if stopped by Ctrl-C or SIGTERM, or when all is built; 1 if something failed.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "build"], default="run", help="default: run")
    parser.add_argument("--node", action="store_true", help="run: with a node, so that Pods run; needs root")
    parser.add_argument(
        "--for",
        choices=sorted(GROUPS),
        action="append",
        dest="groups",
        help="build: for which purpose; can be repeated (default: control-plane)",
    )
    options = parser.parse_args(arguments)
    command = options.command
    groups = options.groups or ["control-plane", *(["node"] if options.node else [])]
    modules = [module for group in groups for module in GROUPS[group]]
    listen([signal.SIGINT, signal.SIGTERM])
    try:
        programs = ensure_programs(modules=modules)
        if command == "run":
            _run(node=options.node)
    except KeyboardInterrupt:
        say("\nStopped." if command == "run" else "\nInterrupted.")
        return 0 if command == "run" else _STOPPED_WHILE_BUILDING
    except BrokenPipeError:
        give_up()  # its reader is gone
        return 1
    except (GoError, PackagesError, ProcessError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    for path in programs.values():
        say(str(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
