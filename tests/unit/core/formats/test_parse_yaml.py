from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.core.errors import ContentError
from appconfig_operator.core.formats import parse_yaml as parse_yaml_module
from appconfig_operator.core.formats.document import Document, Number
from appconfig_operator.core.formats.parse_yaml import parse_yaml
from appconfig_operator.core.formats.write_yaml import yaml_text
from tests.unit.support.documents import documents, plain, refused


@given(documents)
def test_yaml_comes_back(document: Document) -> None:
    assert plain(parse_yaml(yaml_text(document).encode())) == plain(document)


@given(documents)
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"])
def test_yaml_is_what_a_reader_of_yaml_1_1_reads(loader: Any, document: Document) -> None:
    assert plain(yaml.load(yaml_text(document), Loader=loader)) == plain(document)  # noqa: S506 (both are safe)


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
