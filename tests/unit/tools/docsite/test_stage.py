"""The pages of the site are those of the repository, and each is in its navigation."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tools.docsite.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
CODE = re.compile(r"^( *(```|~~~)).*?^ *\2", re.MULTILINE | re.DOTALL)
ITEM = r"(?:[-*+]|\d+\.)[ ]"
OF_GITHUB_ALONE = re.compile(
    rf"""
    ^[ ]{{1,3}}{ITEM}.*                     # an item in an item
    | (?<=\n\n)[ ]{{1,3}}\S.*             # a paragraph or code in an item
    | ^(?!{ITEM})[^ |>#<\n].*\n(?:{ITEM}|\|).*  # text, and a list or a table in the next line
    """,
    re.MULTILINE | re.VERBOSE,
)


def paths(nav: list[Any]) -> Iterator[str]:
    for entry in nav:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else paths(value)


PAGES = list(paths(yaml.safe_load((ROOT / "tools" / "docsite" / "site.yml").read_text("utf-8"))["nav"]))


def test_each_page_is_in_the_navigation_once() -> None:
    documents = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}
    assert documents - {"docs/README.md"} <= set(PAGES)
    assert len(PAGES) == len(set(PAGES))


def test_the_pages_are_staged(tmp_path: Path) -> None:
    stage(ROOT, tmp_path)
    there = {*PAGES, "docs/README.md", "crds/appconfigsources.yaml", "docs/plots/memory.svg", "site.css"}
    assert {path for path in there if not (tmp_path / "pages" / path).is_file()} == set()


def test_wide_diagrams_are_framed(tmp_path: Path) -> None:
    wide, high = (f"```mermaid\n{first}\n  a --> b\n```" for first in ("flowchart LR", "flowchart TD"))
    (tmp_path / "A.md").write_text(f"x\n\n{wide}\n\n{high}\n")
    stage(tmp_path, tmp_path / "build")
    text = (tmp_path / "build" / "pages" / "A.md").read_text()
    assert text == f'x\n\n<div class="wide" markdown>\n\n{wide}\n\n</div>\n\n{high}\n'


@pytest.mark.parametrize("page", sorted({*PAGES} - {"README.md"}))
def test_readers_on_github_find_each_page(page: str) -> None:
    assert f"({os.path.relpath(ROOT / page, ROOT / 'docs')})" in (ROOT / "docs" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_tables_are_read_alike_by_github_and_the_generator(page: str) -> None:
    """Before them is a blank line, and what is inside an item is four spaces in: Python-Markdown wants it so."""
    assert OF_GITHUB_ALONE.findall(CODE.sub(r"\1", (ROOT / page).read_text("utf-8"))) == []


@pytest.mark.parametrize("text", ["- a\n  - b", "- a\n\n  b", "- a\n\n  ```\n  ```", "a\n1. b", "a\n| b |\n|---|"])
def test_what_github_alone_reads_is_found(text: str) -> None:
    assert OF_GITHUB_ALONE.findall(CODE.sub(r"\1", text))
