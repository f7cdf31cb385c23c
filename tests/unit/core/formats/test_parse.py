from __future__ import annotations

import itertools
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats import parse_yaml as parse_yaml_module
from appconfig_operator.core.formats.document import MAX_DEPTH, MAX_NODES, Document, Number, pointer
from appconfig_operator.core.formats.parse_json import parse_json
from appconfig_operator.core.formats.parse_yaml import parse_yaml
from appconfig_operator.core.formats.write_json import json_text
from appconfig_operator.core.formats.write_yaml import yaml_text
from appconfig_operator.core.formats.yaml_scalars import resolve

# Everything but halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,4})?", fullmatch=True)
documents: st.SearchStrategy[Document] = st.recursive(
    st.none() | st.booleans() | numbers.map(Number) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


def refused(parse: Any, body: str | bytes) -> str:
    with pytest.raises(ContentError) as caught:
        parse(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
    assert caught.value.reason is Reason.INVALID_CONTENT
    assert caught.value.__cause__ is None
    assert "geheim" not in caught.value.message
    return caught.value.message


@given(documents)
def test_json_comes_back_digit_for_digit(document: Document) -> None:
    assert parse_json(json_text(document).encode()) == document


def plain(value: Any) -> Any:
    """Return a document with all numbers as floats, whoever has read it."""
    match value:
        case bool():
            return value
        case Number():
            return float(value.text)
        case int() | float():
            return float(value)
        case dict():
            return {key: plain(member) for key, member in value.items()}
        case list():
            return [plain(member) for member in value]
    return value


@given(documents)
def test_json_is_what_the_library_of_python_reads(document: Document) -> None:
    assert json.loads(json_text(document), parse_int=float) == plain(document)


@given(documents)
def test_yaml_comes_back(document: Document) -> None:
    assert plain(parse_yaml(yaml_text(document).encode())) == plain(document)


@given(documents)
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"])
def test_yaml_is_what_a_reader_of_yaml_1_1_reads(loader: Any, document: Document) -> None:
    assert plain(yaml.load(yaml_text(document), Loader=loader)) == plain(document)  # noqa: S506 (both are safe)


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("y", "y"), ("010", "010"), ("0o17", "0o17"), ("1_000", "1_000"),
        ("1:30", "1:30"), ("0b1", "0b1"), ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("=", "="), ("-", ["-"]), ("+", "+"), (".", "."), ("e1", "e1"), ("1e", "1e"), ("tRUE", "tRUE"),
        ("true", True), ("False", False), ("~", None), ("null", None), ("NULL", None), ("", None),
        ("1", Number("1")), ("+12", Number("12")), ("-0", Number("-0")), ("1.", Number("1.0")), (".5", Number("0.5")),
        ("-.5e3", Number("-0.5e3")), ("1.10", Number("1.10")), ("1e400", Number("1e400")), ("0x1F", Number("31")),
        ("-0xff", Number("-255")), ("9" * 5000, Number("9" * 5000)), ("0x" + "f" * 1001, "0x" + "f" * 1001),
        ("! 12", "12"), ("!!str 12", "12"), ('!!int "12"', Number("12")), ("!!float 1", Number("1")),
        ("!!bool true", True), ("!!null ~", None), ("!!seq []", []), ("!!map {}", {}), ("! []", []),
        ("'12'", "12"), ('"\\u00e9"', "é"), ("|\n  a\n  b\n", "a\nb\n"), ("# nothing", None), ("--- a\n...\n", "a"),
    ],
)  # fmt: skip
def test_what_a_yaml_scalar_means(text: str, value: Any) -> None:
    expected = [None] if text == "-" else value
    assert parse_yaml(text.encode()) == expected


@pytest.mark.parametrize(
    ("body", "document"),
    [
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n", {"d": {"b": Number("3"), "c": Number("2")}}),
        ("a: &x {b: 1}\nd: {b: 3, <<: *x}\n", {"d": {"b": Number("3")}}),
        ("d: {<<: [{a: 1}, {a: 2, b: 2}]}", {"d": {"a": Number("1"), "b": Number("2")}}),
        (
            "d: {<<: [{a: 1}, {b: 2}], e: {<<: {c: 3}}}",
            {"d": {"a": Number("1"), "b": Number("2"), "e": {"c": Number("3")}}},
        ),
        ('d: {"<<": 1}', {"d": {"<<": Number("1")}}),
        ("d: &x [1]\ne: *x", {"d": [Number("1")], "e": [Number("1")]}),
        ("d: &x 1\ne: &x 2\nf: *x", {"d": Number("1"), "e": Number("2"), "f": Number("2")}),
        ("8080: a\ntrue: b\n~: c\n0x1: e", {"8080": "a", "true": "b", "~": "c", "0x1": "e"}),
        ("&k a: 1\nb: *k", {"a": Number("1"), "b": "a"}),
        ("\ufeffa: 1\r\nb: |\r\n  x\r\n", {"a": Number("1"), "b": "x\n"}),
        ("%YAML 1.1\n---\na: 1", {"a": Number("1")}),
    ],
)
def test_what_yaml_says(body: str, document: dict[str, Document]) -> None:
    read = parse_yaml(body.encode())
    assert isinstance(read, dict)
    assert {key: read[key] for key in document} == document


READERS = Path(__file__).parents[3] / "data" / "yaml" / "readers.tsv"
"""What readers of YAML make of a scalar. It was made by running them."""


def readings() -> dict[str, dict[str, str]]:
    """Return how each reader reads each scalar."""
    names, *rows = [line.split("\t")[1:] for line in READERS.read_text(encoding="utf-8").splitlines()[1:]]
    scalars = [line.split("\t")[0] for line in READERS.read_text(encoding="utf-8").splitlines()[2:]]
    return {scalar: dict(zip(names, row, strict=True)) for scalar, row in zip(scalars, rows, strict=True)}


def kind(value: Any) -> str:
    """Name what was read as the table does."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Number(text):
            return kind(float(text))
        case int() | float():
            return repr(int(value)) if value == int(value) else repr(value)
        case date():
            return "date"
    return "text"


@pytest.mark.parametrize("scalar", readings())
def test_a_scalar_is_what_most_readers_read_or_text(scalar: str) -> None:
    """`-0x1F` and `81111e1` are numbers to most. What is text here is so to most, or readers differ over it."""
    read = readings()[scalar]
    ours = kind(resolve(scalar))
    if ours == "text":
        assert len(set(read.values())) > 1 or set(read.values()) == {"text"}
    else:
        assert list(read.values()).count(ours) > len(read) / 2


@pytest.mark.parametrize("scalar", readings())
def test_the_table_of_readers_says_what_the_one_at_hand_reads(scalar: str) -> None:
    (column,) = (read for name, read in readings()[scalar].items() if name.startswith("PyYAML"))
    try:
        found = kind(yaml.safe_load(f"a: {scalar}")["a"])
    except yaml.YAMLError:
        found = "error"
    assert found == column


@pytest.mark.parametrize("units", [1021, 1022, 1023, 5000])
@pytest.mark.parametrize("character", ["k", "é", "\N{GRINNING FACE}", "\n"])
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"])
def test_a_long_key_is_written_so_that_readers_take_it(loader: Any, character: str, units: int) -> None:
    """Eleven readers were tried: all take `? key`, and eight refuse `key:` from 1,023 characters on."""
    key = character * units
    document: Document = {key: {key + "x": [{key: [], "z": None}]}, key + "y": {}, "short": "x"}
    text = yaml_text(document)
    assert yaml.load(text, Loader=loader) == document  # noqa: S506 (both are safe)
    assert parse_yaml(text.encode()) == document
    for line in text.splitlines():
        head = line.partition('": ')[0] if '": ' in line else line.removesuffix(":")
        assert line.lstrip(" -").startswith("? ") or len(head.lstrip(" -").encode("utf-16-le")) // 2 <= 1024


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
LONG = "a: &a " + "x" * 100_000 + "\nb: [" + ",".join(["*a"] * 200) + "]"
DEEP = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 200))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BOMB, "more than 250,000 values"),
        (LONG, "more than 16,777,216 characters with its aliases"),
        (DEEP, "nested more than 100 levels deep, at line 100"),
        ("[" * 100_000, "nested more than 100 levels deep, at line 1, column 101"),
        ("- " * 100_000, "nested more than 100 levels deep, at line 1, column 201"),
        ("a: &a [*a]", "The alias at line 1, column 8 refers to nothing before it, or to itself"),
        ("a: *b", "The alias at line 1, column 4"),
        ("a: 1\nb: geheim\na: 2\n", 'The key "a" appears twice in one object of the YAML document, the second time'),
        ("1: a\n'1': b", 'The key "1" appears twice'),
        ("[a]: geheim", "is an object or a list, not a string"),
        ("&x {a: 1}: 1", "is an object or a list"),
        ("d: {<<: {a: geheim}, <<: {b: 2}}", "The merge key << appears twice in one object of the YAML document"),
        ("x: &a {m: 1}\ny: &b {m: 2}\ns:\n  <<: *a\n  <<: *b\n", "the second time before line 5"),
        ("<<: geheim", "has a value that is not an object"),
        ("<<: [geheim]", "has a value that is not an object"),
        ("a: geheim\n---\nb: 1", "more than one document, the second at line 2, column 1"),
        ("a: !!binary Z2VoZWlt", "The scalar at line 1, column 4 has a tag or a value"),
        ("a: !!timestamp 2026-01-01", "The scalar at line 1, column 4"),
        ("a: !geheim b", "The scalar at line 1, column 4"),
        ("a: !!int geheim", "The scalar at line 1, column 4"),
        ("a: !!int 1.5", "The scalar at line 1, column 4"),
        ("a: .inf", "The scalar at line 1, column 4"),
        ("a: -.INF", "The scalar at line 1, column 4"),
        ("a: .nan", "The scalar at line 1, column 4"),
        ("a: !!python/object:os.system {geheim: 1}", "The tag at line 1, column 4"),
        ("a: !!set {b}", "The tag at line 1, column 4"),
        ("a: {geheim", "The document is not YAML, at line"),
        ("a: b: geheim", "The document is not YAML, at line 1, column 5"),
        ("a: 'geheim\0'", "it contains a character that YAML does not allow"),
        (b"a: \xff", "not UTF-8, at byte 4"),
        ('a: "\\ud800"', "not"),
        ("\ta: 1", "not YAML"),
        ("%YAML 3.0\n---\na", "not YAML"),
    ],
)
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"])
def test_what_is_not_read_as_yaml_is_refused_with_its_place(
    body: str | bytes, words: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse_yaml_module, "LOADER", loader)
    assert words in refused(parse_yaml, body)


def test_the_error_of_a_parser_without_a_place_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise yaml.MarkedYAMLError(problem="geheim")

    monkeypatch.setattr(yaml, "parse", fails)
    assert refused(parse_yaml, "a") == "The document is not YAML."


@given(st.text(st.sampled_from("ab:-,[]{}&*!#|>'\"\n \t?%~1.<x"), max_size=30))
def test_both_parsers_of_yaml_give_the_same_or_one_refuses(text: str) -> None:
    results = []
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parse_yaml_module, "LOADER", loader)
            try:
                results.append(parse_yaml(text.encode()))
            except ContentError:
                return
    assert results[0] == results[1]


def test_a_pointer_in_a_message_is_short_and_on_one_line() -> None:
    assert pointer(["a/b", "~", 0, "x\ny"]) == '"/a~1b/~0/0/x\N{REPLACEMENT CHARACTER}y"'
    assert len(pointer(itertools.repeat("x" * 10, 1000))) < 250
