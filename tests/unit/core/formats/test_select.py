"""A part of a document, named by a JSON pointer."""

from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.core.errors import Reason
from appconfig_operator.core.formats.document import Number
from appconfig_operator.core.formats.select import select
from tests.unit.support.formats import refused


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", {"a/b": {"~": [Number("7")]}, "": "x"}),
        ("/a~1b", {"~": [Number("7")]}),
        ("/a~1b/~0/0", Number("7")),
        ("/", "x"),
    ],
)
def test_select(pointer: str, expected: Any) -> None:
    assert select({"a/b": {"~": [Number("7")]}, "": "x"}, pointer) == expected


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/b", 'nothing at "/b", which spec.select names. Its top level has no such member.'),
        ("/a/1", 'nothing at "/a/1", which spec.select names. It ends at "/a".'),
        ("/a/-", 'nothing at "/a/-"'),
        ("/a/00", 'nothing at "/a/00"'),
        ("/a/\u0660", "nothing at"),
        ("/a/0/x", 'It ends at "/a/0".'),
        ("/a/99999999999", "nothing at"),
    ],
)
def test_select_of_nothing(pointer: str, words: str) -> None:
    assert words in refused(Reason.INVALID_CONTENT, select, {"a": ["geheim"]}, pointer)
