"""JSON is read digit for digit, or refused with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from appconfig_operator.core.formats.document import MAX_DEPTH, MAX_NODES, Document, Number
from appconfig_operator.core.formats.parse_json import parse_json
from appconfig_operator.core.formats.write_json import json_text
from tests.unit.support.documents import documents, plain, refused


@given(documents)
def test_json_comes_back_digit_for_digit(document: Document) -> None:
    assert parse_json(json_text(document).encode()) == document


@given(documents)
def test_json_is_what_the_library_of_python_reads(document: Document) -> None:
    assert json.loads(json_text(document), parse_int=float) == plain(document)


def test_keys_are_sorted_and_numbers_untouched() -> None:
    body = b'{"b": [1.10, 1E400, -0.0], "a": ' + b"9" * 5000 + b"}"
    assert json_text(parse_json(body)) == (
        '{\n  "a": ' + "9" * 5000 + ',\n  "b": [\n    1.10,\n    1E400,\n    -0.0\n  ]\n}\n'
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "not JSON, at line 1, column 1"),
        ('{"a": 1,\n "b": geheim}', "line 2, column 7"),
        ('{"a": "geheim\n"}', "not JSON, at line 1"),
        (r'{"a": "\q"}', "not JSON, at line 1"),
        ('{"x": "geheim", "a": 1, "a": 2}', 'The key "a" appears twice'),
        ('{"a": NaN}', "contains NaN"),
        ("[-Infinity]", "contains -Infinity"),
        (r'{"a~/b": ["\ud800"]}', 'The text at "/a~0~1b/0" is not Unicode'),
        (r'{"\udfff": 1}', "is not Unicode"),
        ("[" * (MAX_DEPTH + 1), "nested more than 100 levels deep, at line 1, column 101"),
        ("\n" + "[" * 100_000, "line 2, column 101"),
        ("[" + "0," * MAX_NODES + "0]", "more than 250,000 values"),
        (b'"\xff"', "not UTF-8, at byte 2"),
        ("{} {}", "line 1, column 4"),
        ('"geheim', "not JSON"),
        ('"geheim' + '\\"' * 200_000, "not JSON"),
        ("\0", "not JSON"),
        ("01", "line 1, column 2"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(body: str | bytes, words: str) -> None:
    assert words in refused(parse_json, body)


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"\xef\xbb\xbf1", Number("1")),
        (b'\r\n{"a":\r\n"x\\u0000"}\t', {"a": "x\0"}),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b"null", None),
        (b"[[],{}]", [[], {}]),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (b'{"a": "[[[{{{,,"}', {"a": "[[[{{{,,"}),
    ],
)
def test_what_is_json_is_read(body: bytes, document: Document) -> None:
    assert parse_json(body) == document
