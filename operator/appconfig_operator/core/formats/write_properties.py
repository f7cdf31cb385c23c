r"""Java properties, as `java.util.Properties` and Spring read them.

Characters outside ASCII are `\uXXXX` escapes, so that it does not matter whether the file is read as ISO-8859-1, as
`Properties.load(InputStream)` does, or as UTF-8.
https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
_IN_KEYS = re.compile(r"[\\ =:#!]|[^ -~]")
_IN_VALUES = re.compile(r"\A |\\|[^ -~]")


def properties_text(flat: Mapping[str, str]) -> str:
    """Write properties, one per line, without the comment and the date that Java adds at the top."""
    return "".join(f"{_IN_KEYS.sub(_escape, name)}={_IN_VALUES.sub(_escape, value)}\n" for name, value in flat.items())


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    if " " <= character <= "~":
        return "\\" + character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
