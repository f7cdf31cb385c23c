"""The pages of the site, put together from those of the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.docsite.places import listing, place, relative, resolve
from tools.docsite.stage import Stage, StageError, paths, present, stage

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("docs/README.md", "index.md"),
        ("README.md", "index.md"),
        ("docs/metrics.md", "metrics.md"),
        ("docs/plots/a.svg", "plots/a.svg"),
        ("SECURITY.md", "security.md"),
        ("charts/appconfig-operator/README.md", "charts/appconfig-operator/index.md"),
    ],
)
def test_place(source: str, expected: str) -> None:
    assert place(source) == expected


def test_places_of_what_is_no_page() -> None:
    assert listing("crds/a.yaml", folder=False) == "source/crds/a.yaml.md"
    assert listing("crds", folder=True) == "source/crds/index.md"


@pytest.mark.parametrize("page", ["a.md", "a/b.md", "a/b/c.md"])
@pytest.mark.parametrize("target", ["a.md", "x/y.md", "a/b/d.svg"])
def test_relative_is_the_reverse_of_resolve(page: str, target: str) -> None:
    assert resolve(page, relative(page, target)) == target


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(path.suffix or ".md").write_text(text, encoding="utf-8")


PAGES = frozenset({"docs/README.md", "docs/a.md", "SECURITY.md"})


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("a.md#b", "a.md#b"),
        ("../SECURITY.md", "security.md"),
        ("../README.md", "index.md"),
        ("plot.svg", "plot.svg"),
        ("../crds/a.yaml", "source/crds/a.yaml.md"),
        ("../crds", "source/crds/index.md"),
    ],
)
def test_links_of_a_page(tmp_path: Path, link: str, expected: str) -> None:
    write(tmp_path, docs__README="", docs__a="", SECURITY="", README="")
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "a.yaml").write_text("kind: A\n")
    (tmp_path / "docs" / "plot.svg").write_text("<svg/>")
    write(tmp_path, docs__README=f"[x]({link})")
    staged = Stage(tmp_path, PAGES)
    assert staged.page("docs/README.md") == f"[x]({expected})\n"
    assert staged.images == ({"docs/plot.svg"} if link.endswith("svg") else set())
    assert staged.listed == ({link.removeprefix("../")} if "crds" in link else set())


def test_a_folder_whose_readme_is_a_page(tmp_path: Path) -> None:
    write(tmp_path, docs__a="[x](../samples)", samples__README="")
    assert Stage(tmp_path, frozenset({"docs/a.md", "samples/README.md"})).page("docs/a.md") == "[x](samples/index.md)\n"


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("missing.md", "which is not there"),
        ("../../outside.md", "which is not there"),
        ("../NOTES.md", "in no section"),
    ],
)
def test_links_that_lead_nowhere(tmp_path: Path, link: str, complaint: str) -> None:
    write(tmp_path, docs__a=f"[x]({link})", NOTES="")
    with pytest.raises(StageError, match=complaint):
        Stage(tmp_path, PAGES).page("docs/a.md")


def test_files_are_shown_whole(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: |\n  ```\n")
    (tmp_path / "sub").mkdir()
    staged = Stage(tmp_path, frozenset())
    assert "# a.yaml\n\n``````yaml\na: |\n  ```\n``````\n" in staged.listing("a.yaml")
    assert "## a.yaml\n\n``````yaml\na: |\n  ```\n``````\n" in staged.listing(".")


NAV: list[Any] = [{"A": "a.md"}, {"B": [{"C": "c.md?"}, {"D": "d.md"}]}]


def test_a_page_that_may_be_missing(tmp_path: Path) -> None:
    write(tmp_path, a="", d="")
    assert present(NAV, tmp_path) == [{"A": "a.md"}, {"B": [{"D": "d.md"}]}]
    write(tmp_path, c="")
    assert list(paths(present(NAV, tmp_path))) == ["a.md", "c.md", "d.md"]


def test_a_page_that_may_not_be_missing(tmp_path: Path) -> None:
    write(tmp_path, a="")
    with pytest.raises(StageError, match=r"D: there is no d\.md"):
        present(NAV, tmp_path)


def test_a_page_that_is_in_no_section(tmp_path: Path) -> None:
    write(tmp_path, docs__README="", docs__stray="")
    own = tmp_path / "tools" / "docsite"
    own.mkdir(parents=True)
    (own / "site.yml").write_text("nav: [{Home: docs/README.md}]")
    with pytest.raises(StageError, match=r"docs/stray\.md"):
        stage(tmp_path, tmp_path / "build")


def test_the_pages_of_this_repository(tmp_path: Path) -> None:
    config = json.loads(stage(ROOT, tmp_path).read_text("utf-8"))
    pages = list(paths(config["nav"]))
    assert len(pages) == len(set(pages)), "a page twice"
    assert all((tmp_path / config["docs_dir"] / page).is_file() for page in pages)
    assert {"index.md", "resource.md", "security.md", "changelog.md"} <= set(pages)
    assert (tmp_path / "pages" / "source" / "crds" / "appconfigsources.yaml.md").is_file()
    assert (tmp_path / "pages" / "plots" / "memory.svg").is_file()


def test_it_is_said_where_each_page_is_for_readers_on_github() -> None:
    nav = yaml.safe_load((ROOT / "tools" / "docsite" / "site.yml").read_text("utf-8"))["nav"]
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    for path in paths(present(nav, ROOT)):
        if path != "docs/README.md":
            assert f"({relative('docs/README.md', path)})" in index, path
