"""``python -m sandbox.demo``: the operator at work, on real servers. ``--keep`` leaves them up until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from subprocess import SubprocessError
from typing import TYPE_CHECKING, NoReturn

from sandbox.control_plane import ControlPlane
from sandbox.demo.narrator import Narrator
from sandbox.demo.story import Story, StoryError
from sandbox.go import GoError
from sandbox.kubectl import KubectlError
from sandbox.ministack import MiniStack
from sandbox.process import Process, ProcessError, tail
from sandbox.provision import ensure_programs

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CHECK_INTERVAL = 1.0
_INTERRUPTED = 130


class _Kept(KeyboardInterrupt):
    """It was asked to stay up, and the one who asked has seen enough."""


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough: what is stopping now is not to be stopped half-way.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _tell(narrator: Narrator, *, keep: bool) -> None:
    processes: list[Process] = []
    with ExitStack() as stack:
        narrator.step("Start Kubernetes and AppConfig on this machine")
        narrator.say(
            "A real etcd, kube-apiserver and kube-controller-manager, and MiniStack in place of AWS. No cluster, "
            "no container and no account is needed or touched."
        )
        began = time.monotonic()
        control_plane = stack.enter_context(ControlPlane())
        ministack = stack.enter_context(MiniStack())
        narrator.output(f"Ready after {time.monotonic() - began:.1f} s.")
        processes += [*control_plane.processes, ministack.process]
        story = Story(narrator, control_plane, ministack)
        story.install()
        story.deploy_first()
        operator = story.start()
        stack.callback(operator.stop)
        processes.append(operator)
        try:
            story.apply_samples()
            story.show_config_map()
            story.deploy_second()
            story.show_what_is_wrong()
            if keep:
                _stay(story, operator, processes)
            story.stop(operator)
        except (StoryError, KubectlError, SubprocessError, TimeoutError) as error:
            message = f"{error}\nThe end of the operator's log:\n{tail(operator.log)}"
            raise StoryError(message) from error
    left = [process.name for process in processes if process.running]
    if left:
        message = f"expected nothing to be left running, but got: {', '.join(left)}"
        raise StoryError(message)


def _stay(story: Story, operator: Process, processes: list[Process]) -> NoReturn:
    try:
        story.keep(operator)
        while True:
            for process in processes:
                process.check()
            time.sleep(_CHECK_INTERVAL)
    except KeyboardInterrupt as interrupt:
        raise _Kept from interrupt


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        After the name of the program. Default: the process's own.

    Returns
    -------
    int
        The exit code: 0 when all went as told, 1 if something did not, 130 when it was interrupted before its end.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave all running at the end, until Ctrl-C")
    keep = parser.parse_args(arguments).keep
    for number in _SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup has it ignored
            signal.signal(number, _interrupt)
    narrator = Narrator(sys.stdout)
    code, last = _run(narrator, keep=keep)
    try:
        narrator.title(last)
    except OSError:
        # The reader has gone. Python would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _run(narrator: Narrator, *, keep: bool) -> tuple[int, str]:
    """Tell the story; return the exit code, and the last line."""
    try:
        ensure_programs()
        began = time.monotonic()
        narrator.title("appconfig-operator: versions of AWS AppConfig arrive in ConfigMaps. About half a minute.")
        _tell(narrator, keep=keep)
    except _Kept:
        return 0, "Stopped. Nothing is left running."
    except KeyboardInterrupt:
        return _INTERRUPTED, "Interrupted. Nothing is left running."
    except BrokenPipeError:
        return 1, ""
    except (StoryError, KubectlError, SubprocessError, GoError, ProcessError, OSError) as error:
        sys.stderr.write(f"\ndemo: {error}\n")
        return 1, "The demo failed."
    return 0, f"Done in {time.monotonic() - began:.0f} s. Nothing is left running."


if __name__ == "__main__":
    sys.exit(main())
