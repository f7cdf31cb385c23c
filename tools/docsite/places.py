"""Where a file of the repository stands in the site."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath

IMAGES = frozenset({".png", ".svg"})
"""Suffixes of files that are copied as they are."""


def place(source: str) -> str:
    """Say where a page or an image of the repository stands in the site.

    Parameters
    ----------
    source
        Its path in the repository, such as ``docs/metrics.md``.

    Returns
    -------
    str
        Its path below the site's pages, such as ``metrics.md``.
    """
    path = PurePosixPath(source.removeprefix("docs/"))
    name = "index.md" if path.name == "README.md" else path.name
    # In the root they are in capitals, as the custom is there.
    return name.lower() if len(path.parts) == 1 else (path.parent / name).as_posix()


def listing(source: str, *, folder: bool) -> str:
    """Say where the page stands that shows a file or a folder which is no page.

    Parameters
    ----------
    source
        Its path in the repository, such as ``manifests/base/rbac.yaml``.
    folder
        Whether it is a folder.

    Returns
    -------
    str
        The path of the page that shows it.
    """
    return f"source/{source}/index.md" if folder else f"source/{source}.md"


def resolve(page: str, target: str) -> str:
    """Follow a relative link.

    Parameters
    ----------
    page
        The path of the file that has the link.
    target
        The link, without its fragment.

    Returns
    -------
    str
        The path that it leads to, from the same root.
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))


def relative(page: str, target: str) -> str:
    """Make a relative link: the reverse of `resolve`.

    Parameters
    ----------
    page
        The path of the file that gets the link.
    target
        The path that it leads to, from the same root.

    Returns
    -------
    str
        The link.
    """
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
