"""From YAML to a document, by the parser's events: no tag creates an object, no alias a copy, and nothing recurses.

The events come from PyYAML, and from libyaml if available (it is in every wheel), which is ten times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from appconfig_operator.core.formats.document import (
    MAX_DEPTH,
    MAX_EXPANDED,
    MAX_NODES,
    check_text,
    decode,
    invalid,
    shown,
    too_deep,
    too_many_values,
)
from appconfig_operator.core.formats.yaml_scalars import TAG, resolve, resolve_tagged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.core.formats.document import Document

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_MERGE = "<<"


@dataclass(slots=True)
class _Node:
    """A value with its size when every alias in it is expanded.

    `text` is the source text of a scalar, for keys; `merge` says whether it is a plain `<<`.
    """

    value: Document
    nodes: int = 1
    size: int = 0
    depth: int = 0
    text: str | None = None
    merge: bool = False


@dataclass(slots=True)
class _Open:
    """An object or a list that has not ended yet."""

    node: _Node
    anchor: str | None
    key: _Node | None = None
    merged: bool = False
    own: set[str] = field(default_factory=set)


def parse_yaml(body: bytes) -> Document:
    """Parse a YAML document. An empty one is null.

    Raises
    ------
    ContentError
        `InvalidContent`, with line and column, never with the text itself.
    """
    text = decode(body, what="YAML")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        # The message of the error may hold a character of the document.
        mark = error.problem_mark or error.context_mark
        where = f", at {_place(mark)}" if mark else ""
    except (yaml.YAMLError, ValueError, OverflowError):
        # A character that YAML does not allow, or an escape for one that does not exist.
        where = ": it contains a character that YAML does not allow"
    else:
        document = builder.document
        check_text(document)
        return document
    raise invalid(f"The document is not YAML{where}.")


class _Builder:
    """Builds a document from events."""

    def __init__(self) -> None:
        self.document: Document = None
        self._documents = 0
        self._open: list[_Open] = []
        self._anchors: dict[str | None, _Node | None] = {}
        self._nodes = 0
        self._size = 0

    def take(self, event: yaml.Event) -> None:
        """Handle the next event."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise invalid(f"The YAML has more than one document, the second at {_place(event.start_mark)}.")
            case yaml.ScalarEvent():
                self._close(event, self._scalar(event), event.anchor)
            case yaml.AliasEvent():
                self._close(event, self._alias(event), None)
            case yaml.SequenceStartEvent():
                self._start(event, [], "seq")
            case yaml.MappingStartEvent():
                self._start(event, {}, "map")
            case yaml.CollectionEndEvent():
                ended = self._open.pop()
                self._close(event, ended.node, ended.anchor, weighed=True)

    def _scalar(self, event: yaml.ScalarEvent) -> _Node:
        text = event.value
        plain = event.tag is None and bool(event.implicit[0])
        try:
            if plain:
                value = resolve(text)
            elif event.tag is None:
                value = text
            else:
                value = resolve_tagged(event.tag, text)
        except ValueError:
            raise invalid(
                f"The scalar at {_place(event.start_mark)} has a tag or a value that JSON cannot represent: only "
                "YAML's own str, int, float, bool and null are read, and .inf and .nan are not."
            ) from None
        return _Node(value, size=len(text), text=text, merge=plain and text == _MERGE)

    def _alias(self, event: yaml.AliasEvent) -> _Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise invalid(f"The alias at {_place(event.start_mark)} refers to nothing before it, or to itself.")
        return node

    def _start(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent, value: Document, kind: str) -> None:
        if event.tag not in {None, "!", TAG + kind}:
            raise invalid(f"The tag at {_place(event.start_mark)} is not one of YAML's own, so it is not read.")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(_Node(value), event.anchor))
        self._weigh(event, 1, 0, len(self._open))

    def _close(self, event: yaml.Event, node: _Node, anchor: str | None, *, weighed: bool = False) -> None:
        """Add a complete value to its container."""
        if anchor is not None:
            self._anchors[anchor] = node
        if not weighed:
            self._weigh(event, node.nodes, node.size, len(self._open) + node.depth)
        if not self._open:
            self.document = node.value
            return
        around = self._open[-1]
        around.node.nodes += node.nodes
        around.node.size += node.size
        around.node.depth = max(around.node.depth, node.depth + 1)
        if isinstance(around.node.value, list):
            around.node.value.append(node.value)
        elif isinstance(around.node.value, dict):  # pragma: no branch (nothing else is ever open)
            self._member(event, around, around.node.value, node)

    def _member(self, event: yaml.Event, around: _Open, members: dict[str, Document], node: _Node) -> None:
        if around.key is None:
            if node.text is None:
                raise invalid(f"The key that ends at {_place(event.end_mark)} is an object or a list, not a string.")
            around.key = node
            return
        key, around.key = around.key, None
        if key.merge:
            if around.merged:
                raise invalid(
                    "The merge key << appears twice in one object of the YAML document, the second time before "
                    f"{_place(event.end_mark)}. Parsers disagree on what that means: write one, with a list, as in "
                    "<<: [*a, *b]."
                )
            around.merged = True
            for name, value in _merged(event, node.value):
                members.setdefault(name, value)
            return
        name = key.text or ""
        if name in around.own:
            raise invalid(
                f"The key {shown(name)} appears twice in one object of the YAML document, the second time "
                f"before {_place(event.end_mark)}."
            )
        around.own.add(name)
        members[name] = node.value

    def _weigh(self, event: yaml.Event, nodes: int, size: int, depth: int) -> None:
        self._nodes += nodes
        self._size += size
        if depth > MAX_DEPTH:
            raise too_deep(_place(event.start_mark))
        if self._nodes > MAX_NODES:
            raise too_many_values()
        if self._size > MAX_EXPANDED:
            raise invalid(f"The YAML document has more than {MAX_EXPANDED:,} characters with its aliases written out.")


def _merged(event: yaml.Event, value: Document) -> Iterator[tuple[str, Document]]:
    """Yield the members that a merge key adds, from one object or several; the first one wins."""
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, dict):
            raise invalid(f"The merge key before {_place(event.end_mark)} has a value that is not an object.")
        yield from part.items()


def _place(mark: object) -> str:
    """Return the place of a mark. Each of the two parsers has its own class of marks, with the same two fields."""
    return f"line {getattr(mark, 'line', 0) + 1}, column {getattr(mark, 'column', 0) + 1}"
