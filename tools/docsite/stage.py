"""Puts the pages of the site together: those of the repository, and one for each file that they link to."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from tools.docsite.markdown import frame_diagrams, replace_links, spell_out
from tools.docsite.places import IMAGES, listing, place, relative, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LANGUAGES = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".py": "python", ".toml": "toml", ".lua": "lua"}
_OWN_NAMES = {"README.md": "docs/README.md"}


class StageError(Exception):
    """The pages cannot be put together; the text says why, and where."""


@dataclass
class Stage:
    """The pages of the site, as they are put together."""

    root: Path
    """The repository."""
    pages: frozenset[str]
    """The paths of the pages that the navigation names."""
    listed: set[str] = field(default_factory=set)
    """The paths of files and folders that are linked to, and are no pages."""
    images: set[str] = field(default_factory=set)
    """The paths of images."""

    def page(self, source: str) -> str:
        """Make a page of the site out of one of the repository.

        Parameters
        ----------
        source
            The path in the repository.

        Returns
        -------
        str
            The Markdown for the generator.

        Raises
        ------
        StageError
            If a link leads nowhere.
        """
        text = (self.root / source).read_text(encoding="utf-8")
        return frame_diagrams(spell_out(replace_links(text, lambda link: self._link(source, link))))

    def _link(self, page: str, link: str) -> str:
        path, hash_sign, fragment = link.partition("#")
        target = resolve(page, path)
        target = _OWN_NAMES.get(target, target)
        return relative(place(page), self._target(target, page)) + hash_sign + fragment

    def _target(self, target: str, page: str) -> str:
        file = self.root / target
        for page_of in (target, f"{target}/README.md"):
            if page_of in self.pages:
                return place(page_of)
        if target.startswith("..") or not file.exists():
            raise StageError(f"{page}: links to {target}, which is not there")
        if file.suffix == ".md":
            raise StageError(f"{page}: links to {target}, which is in no section of tools/docsite/site.yml")
        if file.suffix in IMAGES:
            self.images.add(target)
            return place(target)
        self.listed.add(target)
        return listing(target, folder=file.is_dir())

    def listing(self, source: str) -> str:
        """Make the page that shows a file, or all files of a folder.

        Parameters
        ----------
        source
            The path in the repository.

        Returns
        -------
        str
            Its Markdown.
        """
        path = self.root / source
        parts = ["---\nsearch: {exclude: true}\n---\n", f"# {source}\n"]
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file():
                heading = [f"## {file.name}\n"] if path.is_dir() else []
                text = file.read_text(encoding="utf-8").rstrip("\n")
                # Longer than any fence inside.
                parts += [*heading, f"``````{_LANGUAGES.get(file.suffix, 'text')}\n{text}\n``````\n"]
        return "\n".join(parts)


def paths(nav: list[Any]) -> Iterator[str]:
    """Give the paths of a navigation.

    Parameters
    ----------
    nav
        The navigation: titles with paths, or with a navigation of their own.

    Yields
    ------
    str
        Each path, as it stands there.
    """
    for entry in nav:
        for value in entry.values():
            if isinstance(value, str):
                yield value
            else:
                yield from paths(value)


def present(nav: list[Any], root: Path) -> list[Any]:
    """Leave out the pages that may be missing and are, and the mark of those that are there.

    Parameters
    ----------
    nav
        The navigation.
    root
        The repository.

    Returns
    -------
    list
        The navigation of what is there.

    Raises
    ------
    StageError
        If a page is missing that may not be.
    """
    found: list[Any] = []
    for entry in nav:
        ((title, value),) = entry.items()
        if not isinstance(value, str):
            found.append({title: present(value, root)})
        elif (root / value.rstrip("?")).is_file():
            found.append({title: value.rstrip("?")})
        elif not value.endswith("?"):
            raise StageError(f"{title}: there is no {value}")
    return found


def _placed(nav: list[Any]) -> list[Any]:
    return [
        {title: place(value) if isinstance(value, str) else _placed(value)}
        for entry in nav
        for title, value in entry.items()
    ]


def stage(root: Path, build: Path) -> Path:
    """Write the pages of the site, and what the generator wants to know.

    Parameters
    ----------
    root
        The repository.
    build
        The folder to write to. Only ``pages``, ``theme`` and ``site.yml`` in it are touched.

    Returns
    -------
    pathlib.Path
        The configuration for the generator.

    Raises
    ------
    StageError
        If a page is missing, is in no section, or links to what is not there.
    """
    own = root / "tools" / "docsite"
    config = yaml.safe_load((own / "site.yml").read_text(encoding="utf-8"))
    nav = present(config["nav"], root)
    pages = list(paths(nav))
    stray = {path.relative_to(root).as_posix() for path in (root / "docs").glob("*.md")} - set(pages)
    if stray:
        raise StageError(f"in no section of tools/docsite/site.yml: {', '.join(sorted(stray))}")
    content, theme = build / "pages", build / "theme"
    for folder in (content, theme):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(own / "theme", theme)
    staged = Stage(root, frozenset(pages))
    for page in pages:
        _write(content / place(page), staged.page(page))
    for source in sorted(staged.listed):
        _write(content / listing(source, folder=(root / source).is_dir()), staged.listing(source))
    for image in sorted({*staged.images, "docs/logo.svg"}):
        _write(content / place(image), (root / image).read_text(encoding="utf-8"))
    _write(content / "site.css", (own / "site.css").read_text(encoding="utf-8"))
    config |= {"nav": _placed(nav), "docs_dir": "pages", "site_dir": "site"}
    # The generator reads YAML, which JSON is.
    _write(build / "site.yml", json.dumps(config, indent=1))
    return build / "site.yml"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
