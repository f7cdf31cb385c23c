"""Feature flags: Amazon Ion, default variants, flagd."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyList, IonPySymbol, IonPyText
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from appconfig_operator.api.v1alpha1 import FeatureFlags, FlagOutput, Format, MultiVariant
from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.document import MAX_DEPTH
from appconfig_operator.core.formats.feature_flags import ion_flags
from appconfig_operator.core.formats.flag_notes import NONE_SEEN, FlagsSeen, flags_seen
from appconfig_operator.core.formats.flagd import flagd
from appconfig_operator.core.formats.ion.binary import BINARY_MARK
from appconfig_operator.core.formats.ion.read import read_ion
from appconfig_operator.core.formats.parse_json import parse_json
from appconfig_operator.core.formats.render import render
from appconfig_operator.core.formats.variants import without_variants
from tests.support.builders import content, spec, target
from tests.unit.support.ion import FIRST, ION, annotated, binary, field, head, sequence, string, struct

DATA = Path(__file__).parents[3] / "data"


def ion(text: str) -> bytes:
    """Make binary Ion of what is easier to read."""
    body = simpleion.dumps(simpleion.loads(text, single_value=False), binary=True, sequence_as_stream=True)
    assert isinstance(body, bytes)
    return body


RULE = head(12, b"\x71\x0d" + head(7, bytes([FIRST + 1])) + string("geheim"))
VARIANT = annotated(FIRST + 2, sequence(RULE + string('{"_variant":"uk","enabled":true,"n":1}')))
AWS = binary(
    ["promo", "$store", "uk", "plain"],
    annotated(FIRST, sequence(VARIANT + string('{"_variant":"default","enabled":false}')))
    + annotated(FIRST + 3, string('{"enabled":true,"x":1.10}')),
)


def refused(reason: Reason, function: Any, *args: Any) -> str:
    with pytest.raises(ContentError) as caught:
        function(*args)
    assert caught.value.reason is reason
    assert caught.value.__cause__ is None
    assert "geheim" not in caught.value.message
    return caught.value.message


def defaults(body: bytes) -> Any:
    return without_variants(dict(ion_flags(body).document))


def test_the_binary_that_aws_sends() -> None:
    assert defaults(AWS) == {"promo": {"enabled": False}, "plain": parse_json(b'{"enabled": true, "x": 1.10}')}


def test_amazons_library_reads_the_same_of_the_tests_own_bytes() -> None:
    values = simpleion.load_python(io.BytesIO(AWS), single_value=False)
    assert [value.ion_annotations[0].text for value in values] == ["promo", "plain"]
    assert values[0][-1] == '{"_variant":"default","enabled":false}'


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
flags = st.dictionaries(
    names.filter(lambda name: not name.startswith("$")),
    st.tuples(st.booleans(), st.booleans(), names),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(flags=flags)
def test_what_amazons_library_writes_is_read(flags: dict[str, tuple[bool, bool, str]]) -> None:
    values = []
    for name, (enabled, variants, text) in flags.items():
        last = json.dumps({"_variant": "default", "enabled": enabled, "text": text}, ensure_ascii=False)
        rule = IonPyList.from_value(IonType.SEXP, [IonPySymbol("eq", None, None), text])
        value: Any = (
            IonPyList.from_value(IonType.LIST, [[rule, "{}"], last], annotations=(name,))
            if variants
            else IonPyText.from_value(IonType.STRING, last, annotations=(name,))
        )
        values.append(value)
    body = simpleion.dumps(values, binary=True, sequence_as_stream=True)
    assert isinstance(body, bytes)
    assert defaults(body) == {name: {"enabled": flag[0], "text": flag[2]} for name, flag in flags.items()}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"geheim", b'{"x":{"enabled":true}}', b"<!DOCTYPE html>", b"   \n", b"\0" * 40, b"a::'''x'''",
        b"$ion_1_0 a::'''x'''", BINARY_MARK[1:],
        BINARY_MARK[:3] + b"\xff" + b"\x8a", BINARY_MARK + b"\xe0", BINARY_MARK + b"\x85abc", BINARY_MARK + b"\x8e",
        BINARY_MARK + b"\x8e" + b"\0" * 20, BINARY_MARK + b"\x81\xff", BINARY_MARK + annotated(4, b""),
        BINARY_MARK + b"\xe1\x80",
        BINARY_MARK + annotated(4, annotated(4, b"\x80")), BINARY_MARK + annotated(3, b"\x80"),
    ],
)  # fmt: skip
def test_what_is_not_ion_is_refused_with_its_place(body: bytes) -> None:
    assert "is not Amazon Ion in the form that AppConfig uses for feature flags, at byte" in refused(
        Reason.INVALID_CONTENT, read_ion, body
    )


def test_binary_lists_too_deep_are_refused() -> None:
    body = b"\x80"
    for _ in range(MAX_DEPTH + 5):
        body = sequence(body)
    assert "at byte" in refused(Reason.INVALID_CONTENT, read_ion, BINARY_MARK + body)


def test_what_says_nothing_is_passed_over() -> None:
    padding = BINARY_MARK + b"\x00\x02ab\x11\x8f" + BINARY_MARK
    assert [value.annotations for value in read_ion(padding)] == [(), ()]


def test_a_symbol_table_may_go_on_with_the_one_before() -> None:
    first = annotated(3, struct(field(7, sequence(string("a") + b"\x8f"))))
    more = annotated(
        3, struct(field(6, b"\x71\x03") + field(7, sequence(string("b"))) + field(4, b"\x8f") + field(6, b"\x20"))
    )
    values = annotated(10, b"\x80") + annotated(11, b"\x80") + annotated(12, b"\x80") + annotated(13, b"\x80")
    names = [value.annotations for value in read_ion(BINARY_MARK + first + more + values)]
    assert names == [("a",), (11,), ("b",), (13,)]


def test_a_table_that_imports_more_symbols_than_there_are_numbers_costs_nothing() -> None:
    huge = head(2, b"\xff" * 200)
    table = struct(field(6, sequence(struct(field(8, huge)) + b"\x0f\x21\x01")))
    assert read_ion(BINARY_MARK + annotated(3, table) + annotated(9, b"\x80"))[0].annotations == (
        "$ion_shared_symbol_table",
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ('"{}"', "Value 1 of the feature flags does not have exactly one name"),
        ('a::b::"{}"', "Value 1 of the feature flags does not have exactly one name"),
        ('a::"{\\"enabled\\":true}" a::"{}"', 'The feature flag "a" appears twice'),
        ("a::[]", 'The feature flag "a" has no default variant'),
        ('a::[[x, "geheim"]]', 'The feature flag "a" has no default variant'),
        ("a::12", 'The feature flag "a" has no default variant'),
        ('a::"geheim"', 'The feature flag "a": The document is not JSON, at line 1, column 1.'),
        ('a::"[]"', 'The feature flag "a" is not an object with "enabled"'),
        ('a::"{\\"enabled\\":1}"', 'The feature flag "a" is not an object with "enabled"'),
    ],
)
def test_what_no_feature_flags_are_is_refused(values: str, words: str) -> None:
    assert words in refused(Reason.INVALID_CONTENT, defaults, ion(values))


def test_flags_whose_names_only_aws_knows_are_refused() -> None:
    body = binary([], annotated(10 + 1, string("{}")) + annotated(99, string("{}")))
    words = "The name of each feature flag is a symbol that only AWS knows. Rename the flags."
    assert words in refused(Reason.INVALID_CONTENT, defaults, body)


@pytest.mark.parametrize("body", [BINARY_MARK, BINARY_MARK * 2, binary(["x"], b"")], ids=["mark", "marks", "symbols"])
@pytest.mark.parametrize("kind", list(Format))
def test_no_flag_at_all_takes_no_config_map_away(body: bytes, kind: Format) -> None:
    received = content(body, content_type=ION)
    made = spec(target=target(key=None, format=kind))
    assert "contains no flags" in refused(Reason.INVALID_CONTENT, render, received, made)


def written(multi_variant: MultiVariant, **changes: Any) -> Any:
    output = changes.pop("output", FlagOutput.APP_CONFIG)
    select = changes.pop("select", None)
    made = spec(
        target=target(**({"key": None} | changes)), feature_flags=FeatureFlags(multi_variant, output), select=select
    )
    return render(content(AWS, content_type=ION), made)


@pytest.mark.parametrize("kind", list(Format))
def test_refuse_writes_nothing_in_any_format(kind: Format) -> None:
    words = refused(Reason.UNSUPPORTED_CONTENT, lambda: written(MultiVariant.REFUSE, format=kind))
    assert "Set multiVariant to DefaultVariant" in words
    assert 'refuses: "promo". ' in words


def test_raw_writes_the_ion() -> None:
    assert list(written(MultiVariant.RAW).binary) == ["config.ion"]


@pytest.mark.parametrize(
    "changes", [{"format": Format.JSON}, {"format": Format.ENTRIES}, {"select": "/a"}, {"output": FlagOutput.FLAGD}]
)
def test_raw_ion_cannot_be_anything_else(changes: dict[str, Any]) -> None:
    words = refused(Reason.UNSUPPORTED_CONTENT, lambda: written(MultiVariant.RAW, **changes))
    assert "can only be written in the format Raw" in words


def test_default_variants_go_into_any_format() -> None:
    assert json.loads(written(MultiVariant.DEFAULT_VARIANT).text["config.json"]) == {
        "plain": {"enabled": True, "x": 1.1},
        "promo": {"enabled": False},
    }
    assert written(MultiVariant.DEFAULT_VARIANT, format=Format.ENV_VARS).text == {
        "PLAIN_ENABLED": "true",
        "PLAIN_X": "1.10",
        "PROMO_ENABLED": "false",
    }
    assert written(MultiVariant.DEFAULT_VARIANT, format=Format.ENTRIES, select="/plain").text == {
        "enabled": "true",
        "x": "1.10",
    }


PROVEN = {
    10: "and",
    12: "not",
    13: "eq",
    22: "in",
    23: "split",
    24: "exists",
    38: "by",
    39: "pct",
    40: "seed",
    43: "key",
}
"""What answers of AWS to its own agent prove, by the number in those answers."""


@pytest.mark.parametrize(("symbol", "name"), PROVEN.items())
def test_a_flag_may_be_named_like_what_rules_call(symbol: int, name: str) -> None:
    flag = annotated(symbol, sequence(string('{"_variant":"default","enabled":true}')))
    body = binary(["plain"], flag + annotated(FIRST, string('{"enabled":false}')))
    assert defaults(body) == {name: {"enabled": True}, "plain": {"enabled": False}}
    assert flags_seen(content(body, content_type=ION)) == FlagsSeen((name,))


@pytest.mark.parametrize("symbol", sorted(set(range(10, FIRST)) - set(PROVEN)))
def test_a_name_that_nobody_knows_costs_that_flag_and_no_other(symbol: int) -> None:
    plain = annotated(FIRST, string('{"enabled":false}'))
    body = binary(["plain"], annotated(symbol, string('{"enabled":true}')) + plain)
    assert defaults(body) == {"plain": {"enabled": False}}
    assert flags_seen(content(body, content_type=ION)) == FlagsSeen((), (symbol,))


def test_no_name_at_all_writes_nothing() -> None:
    body = binary([], annotated(27, string('{"enabled":true}')) + annotated(11, string('{"enabled":true}')))
    words = refused(Reason.INVALID_CONTENT, ion_flags, body)
    assert words.endswith("only AWS knows. Rename the flags.")
    assert flags_seen(content(body, content_type=ION)) == NONE_SEEN


@pytest.mark.parametrize(
    ("table", "version", "most", "name"),
    [("ops", 1, 23, "and"), ("ops", 1, 1, "and"), ("ops", 2, 23, 10), ("others", 1, 23, 10), ("ops", 1, 0, "own")],
)
def test_a_known_symbol_is_one_of_that_very_table(table: str, version: int, most: int, name: str | int) -> None:
    imports = struct(field(4, string(table)) + field(5, bytes([0x21, version])) + field(8, bytes([0x21, most])))
    own = struct(field(6, sequence(imports)) + field(7, sequence(string("own"))))
    assert read_ion(BINARY_MARK + annotated(3, own) + annotated(10, b"\x80"))[0].annotations == (name,)


def test_an_import_that_names_no_table_is_of_none_that_is_known() -> None:
    imports = struct(field(4, b"\x21\x01") + field(8, b"\x21\x01") + field(9, string("ops")))
    own = struct(field(6, sequence(imports)) + field(7, sequence(string("own"))))
    values = annotated(10, b"\x80") + annotated(11, b"\x80")
    assert [value.annotations for value in read_ion(BINARY_MARK + annotated(3, own) + values)] == [(10,), ("own",)]


def test_known_symbols_stay_while_the_table_goes_on_and_go_with_it() -> None:
    more = annotated(3, struct(field(6, b"\x71\x03") + field(7, sequence(string("b")))))
    eq = annotated(13, b"\x80")
    names = [value.annotations for value in read_ion(binary([], eq + more + eq + BINARY_MARK + eq))]
    assert names == [("eq",), ("eq",), (13,)]


def test_a_list_is_a_multi_variant_flag_whatever_its_variants_are_called() -> None:
    body = "a::[[x, '''{}'''], '''{\"enabled\":true}''']"
    assert flags_seen(content(ion(body), content_type=ION)).variants == ("a",)


def schema() -> Draft7Validator:
    schemas = {name: json.loads((DATA / "flagd" / f"{name}.json").read_text()) for name in ("flags", "targeting")}
    registry: Registry[Any] = Registry().with_resources(
        (f"https://flagd.dev/schema/v0/{name}.json", Resource.from_contents(one)) for name, one in schemas.items()
    )
    return Draft7Validator(schemas["flags"], registry=registry)


attributes = st.dictionaries(
    st.from_regex(r"[a-z][a-zA-Z0-9_-]{0,10}", fullmatch=True).filter(lambda name: name not in {"enabled", "_variant"}),
    st.booleans() | st.text(max_size=5) | st.integers() | st.lists(st.text(max_size=3) | st.integers(), max_size=3),
    max_size=3,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-zA-Z0-9_-]{0,10}", fullmatch=True), st.tuples(st.booleans(), attributes), max_size=4
    )
)
def test_flagd_takes_the_definition_and_answers_as_appconfig(flags: dict[str, tuple[bool, dict[str, Any]]]) -> None:
    received = {name: {"enabled": enabled, **more} for name, (enabled, more) in flags.items()}
    made = spec(target=target(key=None), feature_flags=FeatureFlags(output=FlagOutput.FLAGD))
    definition = json.loads(render(content(json.dumps(received).encode()), made).text["config.json"])
    schema().validate(definition)
    answers = {
        name: flag["variants"][flag["defaultVariant"]]
        for name, flag in definition["flags"].items()
        if flag["state"] == "ENABLED"
    }
    expected: dict[str, Any] = {name: flag["enabled"] for name, flag in received.items()}
    expected |= {f"{name}.attributes": more for name, (_, more) in flags.items() if more}
    assert answers == expected


def test_the_schema_refuses_what_flagd_does_not_take() -> None:
    assert not schema().is_valid({"flags": {"a": {"state": "ON", "variants": {"on": True}}}})


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {"a": "geheim"},
        {"a": {}},
        {"a": {"enabled": "geheim"}},
    ],
)
def test_flagd_needs_feature_flags(document: Any) -> None:
    assert "can only be made from feature flags" in refused(Reason.UNSUPPORTED_CONTENT, flagd, document)


@pytest.mark.parametrize("name", ["", "a.b"])
def test_flagd_needs_names_that_have_no_dot(name: str) -> None:
    words = refused(Reason.UNSUPPORTED_CONTENT, flagd, {name: {"enabled": True}})
    assert f'cannot have a flag named "{name}"' in words
    assert "Rename the flag" in words
