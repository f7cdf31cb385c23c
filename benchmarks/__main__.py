"""``python -m benchmarks [--only NAME]``: run the operator, and compare the results with the goals."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from benchmarks import pages, report
from benchmarks.catalogue import CATALOGUE, WINDOW_SECONDS, steps
from benchmarks.goals import Observations
from benchmarks.scenarios import first_sync, held, neighbours, scale, take_over
from sandbox.processes.output import say
from sandbox.processes.process import ProcessError
from sandbox.toolchain.go import GoError
from sandbox.toolchain.provision import ensure_programs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_INTERRUPTED = 130


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough: do not interrupt the cleanup.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def run(names: Sequence[str], folder: Path) -> Observations:
    """Run what the given benchmarks need, each step once.

    Parameters
    ----------
    names
        The names of the benchmarks.
    folder
        The folder for logs.
    """
    seen = Observations()
    if any(CATALOGUE[name].first_sync for name in names):
        _say("first sync, next to a bare loop")
        seen.first_sync = first_sync.observe(folder / "first-sync")
    for size, wanted in steps(names).items():
        _say(f"{size:,} sources: first sync, {', '.join(sorted(wanted))}")
        seen.scale[size] = scale.observe(folder / str(size), size, wanted, WINDOW_SECONDS[size])
    if any(CATALOGUE[name].take_over for name in names):
        _say("three replicas, one of them killed")
        seen.take_over = take_over.observe(folder / "take-over")
    if any(CATALOGUE[name].neighbours for name in names):
        seen.neighbours = neighbours.observe(folder / "neighbours", say=_say)
    for name in names:
        if CATALOGUE[name].held:
            _say(f"{name}: memory")
            seen.held[name] = held.SCENARIOS[name](folder / name)
    return seen


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        After the name of the program. Default: the process's own.

    Returns
    -------
    int
        The exit code: 0 if all goals were reached, 1 if one was missed or something failed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=list(CATALOGUE), help="run only this one; default: all")
    only = parser.parse_args(arguments).only
    names = [only] if only else list(CATALOGUE)
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    began = time.monotonic()
    try:
        ensure_programs()
        with tempfile.TemporaryDirectory(prefix="appconfig-operator-bench-") as folder:
            seen = run(names, Path(folder))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (GoError, ProcessError, OSError, RuntimeError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    figures = [figure for name in names for figure in CATALOGUE[name].figures(seen)]
    pages.update(figures)
    say(report.plain(figures))
    _say(f"done in {(time.monotonic() - began) / 60:.0f} minutes")
    return 0 if all(figure.ok for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
