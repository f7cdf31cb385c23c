"""Collects the files from which the generator builds the site."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

_HERE = Path(__file__).parent
_PAGES = ("*.md", "docs/**/*", "manifests/**/*", "charts/*/README.md")
_LINKED = ("LICENSE", "crds/*", "benchmarks/results/latest.json")

# On a small screen, the style sheet lets wide diagrams scroll, which takes a frame around them.
_WIDE = re.compile(r"^```mermaid\n(?:sequenceDiagram|flowchart LR)\n(?:.*\n)*?```$", re.MULTILINE)


def stage(root: Path, build: Path) -> None:
    """Copy the pages, the style sheet and the settings to where the generator expects them.

    Parameters
    ----------
    root
        The repository.
    build
        The folder to write to.
    """
    shutil.rmtree(build / "pages", ignore_errors=True)
    for file in (file for pattern in _PAGES + _LINKED for file in root.glob(pattern) if file.is_file()):
        # Each keeps its path in the repository, so that links work unchanged.
        page = build / "pages" / file.relative_to(root)
        page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, page)
        if page.suffix == ".md":
            text = page.read_text(encoding="utf-8")
            page.write_text(_WIDE.sub(r'<div class="wide" markdown>\n\n\g<0>\n\n</div>', text), encoding="utf-8")
    shutil.copyfile(_HERE / "site.css", build / "pages" / "site.css")
    shutil.copyfile(_HERE / "site.yml", build / "site.yml")
