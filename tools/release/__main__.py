"""``python -m tools.release``: what the release workflow does in addition to building and signing."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from sandbox.processes.output import say
from sandbox.toolchain.go import GoError
from tools.manifests import KustomizeError
from tools.release import chart, files
from tools.release.changelog import section
from tools.release.versions import problems

_ROOT = Path(__file__).parents[2]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check that every place has the version of a tag")
    check.add_argument("tag", help="such as v0.1.0")
    notes = commands.add_parser("notes", help="print the changelog of a version")
    notes.add_argument("version", help="such as 0.1.0")
    make = commands.add_parser("files", help="make wheel, sdist, chart, manifests and their checksums")
    make.add_argument("--registry", required=True, help="where the image will be published, such as ghcr.io/someone")
    make.add_argument("--out", type=Path, default=_ROOT / "dist", help="an empty folder (default: dist)")
    push = commands.add_parser("push-chart", help="push a packed chart, and print its digest")
    push.add_argument("file", type=Path)
    push.add_argument("registry", help="such as oci://ghcr.io/someone/charts")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        After the name of the program. Default: the process's own.

    Returns
    -------
    int
        The exit code: 0, or 1 if something is wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.command == "check":
            wrong = problems(_ROOT, options.tag)
            sys.stderr.writelines(f"release: {problem}\n" for problem in wrong)
            return 1 if wrong else 0
        if options.command == "notes":
            say(section((_ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), options.version).removesuffix("\n"))
        elif options.command == "files":
            files.make(_ROOT, options.registry, options.out)
        else:
            say(chart.push(options.file, options.registry))
    except (ValueError, OSError, GoError, KustomizeError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
