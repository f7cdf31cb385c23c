"""What is safe to show of an answer: its status and the shape of its content, but no value, token, name or account."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from appconfig_operator.aws.client_errors import plain_words, word_or
from tools.aws_check.symbols import NotIonError, symbols_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

HTTP_OK, HTTP_REFUSED = 200, 300

_SHOWN = {
    "connection": re.compile(r"[a-z-]{1,20}"),
    "content-length": re.compile(r"\d{1,9}"),
    "content-type": re.compile(
        r"(application/(json|x-amz-json-1\.[01]|yaml|x-yaml|octet-stream|xml|toml|ion)|binary/octet-stream"
        r"|text/(plain|html|xml|yaml|x-yaml|csv))"
        r"(; ?(charset=(utf-8|us-ascii|iso-8859-1)|type=AWS\.AppConfig\.FeatureFlags))*",
        re.IGNORECASE,
    ),
    "next-poll-interval-in-seconds": re.compile(r"\d{1,6}"),
    "server": re.compile(r"[A-Za-z]{1,20}"),
    "transfer-encoding": re.compile(r"[a-z]{1,20}"),
    "x-amzn-errortype": re.compile(r"[A-Za-z]{1,64}:?(http://[a-z./]{1,100})?"),
}
"""Headers with values that AWS sets, or that are well known, and the form of these. A content type comes from the user,
and may contain a name. For all other headers, only the length is shown."""

_HEADER_NAME = re.compile(r"[a-z][a-z0-9-]{0,60}")
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
_NEVER = re.compile(r"\d{12}|arn:|AKIA|ASIA|eyJ|AQIC")
"""An account, an ARN, a key, a token: a line that contains one is not shown."""

_BETWEEN = re.compile(r"[^/;=+]+")
_LONGEST = 200

_FLAG_MEMBERS = {"enabled", "_variant", "_variants"}
_DEEPEST = 6


class Report:
    """Writes lines, except those that contain something that must not be shown.

    Parameters
    ----------
    write
        Gets the lines.
    names
        The names from the user, which are removed from AWS's words.
    alarm
        Gets lines that must not be missed, even if the rest is not read. Default: `write`.
    """

    def __init__(
        self, write: Callable[[str], object], names: Collection[str] = (), alarm: Callable[[str], object] | None = None
    ) -> None:
        self._write = write
        self._alarm = alarm or write
        self._names = [name for name in names if name]
        self._secrets: set[str] = set()

    def keep_secret(self, text: str) -> None:
        """Hide lines that contain this text."""
        if text:
            self._secrets.add(text)

    def say(self, line: str = "") -> None:
        """Write a line."""
        self._write(self._guarded(line))

    def alarm(self, line: str) -> None:
        """Write a line that must not be missed."""
        self._alarm(self._guarded(line))

    def _guarded(self, line: str) -> str:
        shown = not _NEVER.search(line) and not any(secret in line for secret in self._secrets)
        return (line if shown else "(a line is left out: it had an account, a key or a token in it)") + "\n"

    def answer(self, status: int | None, headers: Mapping[str, str], body: bytes, error: str) -> None:
        """Write a description of an answer."""
        if status is None:
            self.say(f"  no answer: {word_or(error, 'an error')}")
            return
        self.say(f"  status {status}")
        for name, value in sorted((name.lower(), value) for name, value in headers.items()):
            self.say(f"  header {name if _HEADER_NAME.fullmatch(name) else '…'}: {header(name, value)}")
        self.say(f"  body: {self._refusal(body) if status >= HTTP_REFUSED else content(body)}")

    def _refusal(self, body: bytes) -> str:
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            return content(body)
        return _refused(read, self._names) if isinstance(read, dict) else content(body)


def header(name: str, value: str) -> str:
    """Return what is safe to show of a header."""
    known = _SHOWN.get(name)
    if known is not None and known.fullmatch(value):
        return value
    if _DATE.fullmatch(value):
        return "a date, GMT"
    if name == "content-type":
        return f"another type, {_BETWEEN.sub('*', value[:_LONGEST])}"
    return f"{len(value)} characters"


def content(body: bytes) -> str:
    """Return what is safe to show of a body: its kind, and its shape."""
    if not body:
        return "empty"
    size = f"{len(body)} bytes"
    try:
        return f"{size}, JSON: {shape(json.loads(body))}"
    except (ValueError, RecursionError):
        pass
    try:
        found = symbols_of(body)
    except NotIonError:
        return f"{size}, neither JSON nor Ion"
    tables = ", ".join(f"{word_or(table.name, '…')} {table.first}-{table.last}" for table in found.imports)
    return f"{size}, binary Ion: {len(found.flags)} flags, imported symbols {tables or 'none'}"


def shape(value: Any, depth: int = 0) -> str:  # noqa: ANN401, PLR0911 (whatever JSON holds; a type a line)
    """Return the types of a JSON value. Names of members count as values, except those that AWS defines."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case _ if depth >= _DEEPEST:
            return "…"
        case list():
            return f"[{_counted([shape(one, depth + 1) for one in value])}]"
        case _:
            members = [f"{_member(name)}: {shape(one, depth + 1)}" for name, one in value.items()]
            return f"{{{_counted(members)}}}"


def _member(name: str) -> str:
    return name if name in _FLAG_MEMBERS or name == "InitialConfigurationToken" else "*"


def _counted(shapes: list[str]) -> str:
    return ", ".join(shape if count == 1 else f"{count} x {shape}" for shape, count in Counter(shapes).items())


def _refused(members: Mapping[str, Any], names: Collection[str], depth: int = 0) -> str:
    """Return the text of a refusal: AWS's own words, and the kind of everything else."""
    shown = [f"{word_or(name, '…')}: {_member_of_refusal(name, one, names, depth)}" for name, one in members.items()]
    return f"{{{', '.join(shown)}}}"


def _member_of_refusal(name: str, value: Any, names: Collection[str], depth: int) -> str:  # noqa: ANN401 (any JSON)
    if isinstance(value, dict):
        return _refused(value, names, depth + 1) if depth < _DEEPEST else "…"
    if not isinstance(value, str):
        return shape(value)
    if name.lower() == "message":
        return f'"{plain_words(_without(value, names))}"'
    if name in {"ResourceType", "Reason", "Problem"} and value not in names:
        return word_or(value, f"{len(value)} characters")
    return f"{len(value)} characters"


def _without(message: str, names: Collection[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "\N{HORIZONTAL ELLIPSIS}", message)
    return message
