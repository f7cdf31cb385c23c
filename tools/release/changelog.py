"""The sections of CHANGELOG.md, which become release notes."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?P<rest>.*)$", re.MULTILINE)
# In Keep a Changelog, link definitions for the headings come last.
_ADDRESS = re.compile(r"^\[[^\]]+\]: \S+$", re.MULTILINE)
_DATE = re.compile(r" - \d{4}-\d{2}-\d{2}")


class ChangelogError(ValueError):
    """A version has no section that could be published. The message says what is missing."""


def section(text: str, version: str) -> str:
    """Return the section of a version.

    Parameters
    ----------
    text
        The changelog.
    version
        Such as ``0.1.0``.

    Returns
    -------
    str
        The section, without its heading.

    Raises
    ------
    ChangelogError
        If there is no such section, or it has no date or no content.
    """
    headings = list(_HEADING.finditer(text))
    for number, heading in enumerate(headings):
        if heading["version"] != version:
            continue
        if not _DATE.fullmatch(heading["rest"]):
            raise ChangelogError(f"CHANGELOG.md: the heading of {version} must be `## [{version}] - YYYY-MM-DD`")
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        body = _ADDRESS.sub("", text[heading.end() : end]).strip()
        if not body:
            raise ChangelogError(f"CHANGELOG.md: the section of {version} is empty")
        return f"{body}\n"
    raise ChangelogError(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`")
