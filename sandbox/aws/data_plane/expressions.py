"""Rules of multi-variant feature flags, in AWS AppConfig's syntax: ``(and (eq $country "NO") (exists key::"tier"))``.

Only those that can be written as Ion: see `sandbox/aws/data_plane/ion.py`.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<blank> [\s,]+ )
    | "(?P<text> (?:[^"\\]|\\.)* )"
    | (?P<number> -?[0-9]+ ) (?![^\s,()\[\]])
    | (?P<mark> [()\[\]] )
    | (?P<label> [A-Za-z_]+ ) ::
    | (?P<symbol> [$A-Za-z_][^\s,()\[\]":]* )
    """,
    re.VERBOSE,
)
_CLOSES = {"(": ")", "[": "]"}


@dataclass(frozen=True)
class Symbol:
    """A word or a variable."""

    text: str


@dataclass(frozen=True)
class Operation:
    """An expression in parentheses."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Labelled:
    """A value with a label: ``pct::10``."""

    label: str
    node: Node


Node: TypeAlias = "str | int | Symbol | Operation | list[Node] | Labelled"


def parse(rule: str) -> Node:
    """Read a rule.

    Parameters
    ----------
    rule
        Its text.

    Returns
    -------
    Node
        The expression.

    Raises
    ------
    ValueError
        If it is not an expression, or contains something that the sandbox does not know.
    """
    tokens = deque(_tokens(rule))
    node = _node(tokens)
    if tokens:
        raise ValueError(f"not one expression: {rule}")
    return node


def _tokens(rule: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(rule):
        found = _TOKEN.match(rule, at)
        if found is None or found.lastgroup is None:
            raise ValueError(f"the sandbox cannot read this rule from character {at + 1} on: {rule}")
        at = found.end()
        if found.lastgroup != "blank":
            yield found.lastgroup, found[found.lastgroup]


def _node(tokens: deque[tuple[str, str]]) -> Node:
    if not tokens:
        raise ValueError("a rule ends too early")
    match tokens.popleft():
        case "label", label:
            return Labelled(label, _node(tokens))
        case "mark", "(":
            return Operation(tuple(_until(")", tokens)))
        case "mark", "[":
            return _until("]", tokens)
        case "text", text:
            return re.sub(r"\\(.)", r"\1", text)
        case "number", text:
            return int(text)
        case "symbol", text:
            return Symbol(text)
    raise ValueError("a bracket too many in a rule")


def _until(mark: str, tokens: deque[tuple[str, str]]) -> list[Node]:
    nodes = []
    while tokens and tokens[0] != ("mark", mark):
        nodes.append(_node(tokens))
    if not tokens:
        raise ValueError("a bracket is missing in a rule")
    tokens.popleft()
    return nodes
