"""``python -m tools.docsite``: build the site, or show it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn

from sandbox.processes.output import say
from tools.docsite import check, mermaid
from tools.docsite.stage import StageError, stage

_ROOT = Path(__file__).parents[2]
_BUILD = _ROOT / "build"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _generator(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "zensical", *arguments, f"--config-file={_BUILD / 'site.yml'}"]


def build() -> list[str]:
    """Build the site into ``build/site``, and check it.

    Returns
    -------
    list of str
        What is wrong, in lines; empty when nothing is.
    """
    stage(_ROOT, _BUILD)
    mermaid.install(_BUILD / "cache", _BUILD / "pages" / "assets")
    shutil.rmtree(_BUILD / "site", ignore_errors=True)
    done = subprocess.run(
        _generator("build", "--strict", "--clean"), capture_output=True, text=True, timeout=300, check=False, cwd=_BUILD
    )
    said = done.stdout + done.stderr
    if done.returncode or "No issues found" not in said:
        # After its own words comes where in the generator it gave up, which helps nobody.
        return [_COLOUR.sub("", said).partition("Traceback")[0].strip()]
    return list(check.complaints(_BUILD / "site"))


def show() -> NoReturn:
    """Become the generator's server: whoever ends this process ends the server, and no child is left."""
    sys.stdout.flush()
    os.chdir(_BUILD)
    os.execv(sys.executable, _generator("serve"))  # noqa: S606 - no shell is wanted


def main() -> int:
    """Build the site, and show it if asked to.

    Returns
    -------
    int
        The exit code: 1 when anything is wrong with the site.
    """
    parser = ArgumentParser(prog="python -m tools.docsite", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="serve it on this machine until Ctrl-C")
    serve = parser.parse_args().serve
    try:
        wrong = build()
    except (StageError, mermaid.MermaidError) as error:
        wrong = [str(error)]
    if wrong:
        print("\n".join(wrong), f"docs: {len(wrong)} complaint(s)", sep="\n", file=sys.stderr)
        return 1
    say("docs: build/site")
    if serve:
        show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
