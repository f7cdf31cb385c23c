r"""A `.env` file that python-dotenv and Node's dotenv read as the same values.

The two agree on little: within single quotes, python-dotenv knows the escapes `\\` and `\'`, and Node's knows none;
within double quotes, Node's knows only `\n` and `\r`. So each value is written in the first way that both read alike,
and a value without such a way is refused.
https://github.com/theskumar/python-dotenv/blob/main/src/dotenv/parser.py
https://github.com/motdotla/dotenv/blob/master/lib/main.js
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import invalid, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = re.compile(r"[-_a-zA-Z0-9./:@%+,]*")
_BLANKS = " \t\v\f\ufeff"
# The ends of a bare value, and JavaScript's other line ends: Node's strips quotes from a part between two of them.
_ENDS = "#\r\n\u2028\u2029"
_QUOTES = ("'", '"', "`")
# python-dotenv expands other variables here, regardless of quotes.
_REFERENCE = re.compile(r"\$\{[^}]*\}")


def dotenv_text(flat: Mapping[str, str]) -> str:
    """Write variables, one after the other.

    Raises
    ------
    ContentError
        `InvalidContent`, if a value cannot be written in a way that both parsers read back.
    """
    return "".join(f"{name}={_value(name, value)}\n" for name, value in flat.items())


def _value(name: str, value: str) -> str:
    if _REFERENCE.search(value):
        raise invalid(
            f"The value of {shown(name)} cannot be written as Dotenv: it contains a reference of the form ${{…}}, "
            "which some readers replace. Use the format EnvVars or Properties."
        )
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\r" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    if '"' not in value and "\\" not in value:
        escaped = value.replace("\r", "\\r").replace("\n", "\\n")
        return f'"{escaped}"'
    if _bare(value):
        return value
    raise invalid(
        f"The value of {shown(name)} cannot be written as Dotenv: it contains a combination of quotes, backslashes and "
        "line endings that parsers of such files read differently. Use the format EnvVars or Properties."
    )


def _bare(value: str) -> bool:
    """Return whether both parsers read the unquoted value unchanged: on one line, no comment, nothing to trim."""
    edges = value[0] + value[-1]
    return (
        not any(character in value for character in _ENDS)
        and not value.startswith(_QUOTES)
        and not any(character.isspace() or character in _BLANKS for character in edges)
    )
