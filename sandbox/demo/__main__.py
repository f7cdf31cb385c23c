"""``python -m sandbox.demo``: the operator at work, on real servers."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from subprocess import SubprocessError
from typing import NoReturn

from sandbox.demo.narrator import Narrator
from sandbox.demo.node_story import NodeStory
from sandbox.demo.process_story import ProcessStory
from sandbox.demo.story import Story, StoryError, expect
from sandbox.image import ImageError
from sandbox.kube.kubectl import KubectlError
from sandbox.node import PackagesError
from sandbox.processes.interrupts import listen
from sandbox.processes.output import give_up
from sandbox.processes.process import ProcessError, tail
from sandbox.toolchain.go import GoError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CHECK_INTERVAL = 1.0
_INTERRUPTED = 130


class _Kept(KeyboardInterrupt):
    """The demo was kept running, and the user ended it."""


def _tell(kind: type[Story], narrator: Narrator, *, keep: bool) -> None:
    with ExitStack() as stack:
        story = kind.begin(narrator, stack)
        try:
            story.play(stack)
            if keep:
                _stay(story)
            story.end()
        except (StoryError, KubectlError, SubprocessError, TimeoutError) as error:
            log = story.operator_log()
            if log is None:
                raise
            message = f"{error}\nThe end of the operator's log:\n{tail(log)}"
            raise StoryError(message) from error
    left = story.left()
    expect(not left, "nothing to be left", ", ".join(left))


def _stay(story: Story) -> NoReturn:
    try:
        story.keep()
        while True:
            for process in story.processes:
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
        The exit code: 0 if every step succeeded, 1 if one did not, 130 if it was interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end, until Ctrl-C")
    parser.add_argument("--node", action="store_true", help="run it on a node, with Pods; needs root")
    options = parser.parse_args(arguments)
    kind: type[Story] = NodeStory if options.node else ProcessStory
    # nohup ignores SIGHUP.
    listen(number for number in _SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN)
    narrator = Narrator(sys.stdout)
    code, last = _run(kind, narrator, keep=options.keep)
    try:
        if last:
            narrator.title(last)
    except OSError:
        give_up()
    return code


def _run(kind: type[Story], narrator: Narrator, *, keep: bool) -> tuple[int, str]:
    """Return the story; return the exit code, and the last line."""
    try:
        kind.prepare()
        began = time.monotonic()
        narrator.title(kind.title)
        _tell(kind, narrator, keep=keep)
    except _Kept:
        return 0, "Stopped. Nothing is left running."
    except KeyboardInterrupt:
        return _INTERRUPTED, "Interrupted. Nothing is left running."
    except BrokenPipeError:
        return 1, ""
    except PackagesError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1, ""
    except (StoryError, KubectlError, SubprocessError, GoError, ImageError, ProcessError, OSError) as error:
        sys.stderr.write(f"\ndemo: {error}\n")
        return 1, "The demo failed."
    return 0, f"Done in {time.monotonic() - began:.0f} s. Nothing is left running."


if __name__ == "__main__":
    sys.exit(main())
