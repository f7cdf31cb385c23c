"""Multi-variant flags as AWS sends them to whoever does not ask for rules: as JSON, with the name of the variant."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.api.v1alpha1 import Compression, FeatureFlags, FlagOutput, Format, MultiVariant
from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.document import MAX_NODES
from appconfig_operator.core.formats.flag_notes import NONE_SEEN, FlagsSeen, flags_seen
from appconfig_operator.core.formats.render import Data, render
from appconfig_operator.core.formats.variants import NAMED, json_without_variants, named, variants_in_json
from tests.support.builders import content, spec, target
from tests.unit.support.ion import ION

BASIC = b'{"banner":{"enabled":true,"text":"geheim"},"checkout":{"enabled":false}}'
EXPERIMENT = b'{"banner":{"enabled":true,"text":"geheim"},"checkout":{"_variant":"__default__","enabled":false}}'
BOM = b"\xef\xbb\xbf"
WAYS = [
    (kind, FlagOutput.APP_CONFIG, packed, part)
    for kind, packed, part in product(Format, Compression, (None, "/checkout"))
    if packed is Compression.NONE or kind not in {Format.ENTRIES, Format.ENV_VARS}
] + [
    (kind, FlagOutput.FLAGD, packed, None)
    for kind, packed in product((Format.RAW, Format.JSON, Format.YAML), Compression)
]


def rendered(body: bytes, multi_variant: MultiVariant = MultiVariant.DEFAULT_VARIANT, **changes: Any) -> Data:
    output, select = changes.pop("output", FlagOutput.APP_CONFIG), changes.pop("select", None)
    kind = changes.pop("content_type", "application/json")
    made = spec(
        target=target(**({"key": None} | changes)), feature_flags=FeatureFlags(multi_variant, output), select=select
    )
    return render(content(body, content_type=kind), made)


def refused(body: bytes, multi_variant: MultiVariant, **changes: Any) -> str:
    with pytest.raises(ContentError) as caught:
        rendered(body, multi_variant, **changes)
    assert caught.value.reason is Reason.UNSUPPORTED_CONTENT
    assert "geheim" not in caught.value.message
    assert "__default__" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(("kind", "output", "compression", "select"), WAYS)
def test_an_experiment_that_starts_and_ends_changes_nothing(
    kind: Format, output: FlagOutput, compression: Compression, select: str | None
) -> None:
    changes: dict[str, Any] = {"format": kind, "output": output, "compression": compression, "select": select}
    during = rendered(EXPERIMENT, **changes)
    assert during == rendered(BASIC, **changes)
    assert "variant" not in str(during.text).lower().replace("variants", "").replace("defaultvariant", "")


@pytest.mark.parametrize("kind", ["application/x-yaml", "text/plain", "application/octet-stream", "text/json"])
@pytest.mark.parametrize("wanted", Format)
def test_flags_stay_flags_whatever_a_user_says_that_they_are(kind: str, wanted: Format) -> None:
    made = spec(target=target(key=None, format=wanted), content_type=kind)
    assert flags_seen(content(EXPERIMENT).read_as(kind)) == FlagsSeen(("checkout",))
    if wanted is not Format.RAW and kind in {"text/plain", "application/octet-stream"}:
        with pytest.raises(ContentError):
            render(content(EXPERIMENT), made)
        return
    assert render(content(EXPERIMENT), made) == render(content(BASIC), made)
    assert render(content(EXPERIMENT).read_as(kind), made) == render(content(BASIC), made)
    assert b"_variant" not in str(render(content(EXPERIMENT), made).text).encode()
    with pytest.raises(ContentError, match="multiVariant refuses"):
        render(content(EXPERIMENT), replace(made, feature_flags=FeatureFlags(MultiVariant.REFUSE)))


def test_flags_in_what_comes_without_a_type_are_seen_by_what_a_user_says() -> None:
    made = spec(target=target(key=None), content_type="application/json")
    assert render(content(EXPERIMENT, content_type=""), made).text == {"config.json": BASIC.decode()}


def test_ion_stays_ion_whatever_a_user_says() -> None:
    ion = content(b"x", content_type=ION)
    assert ion.read_as("text/plain") is ion


@pytest.mark.parametrize("flags", [1, 3])
def test_flags_of_any_number_of_values_are_seen(flags: int) -> None:
    """More than a document may have that is converted: in the format Raw there is no such limit."""
    more = f'"limits":[{"1," * MAX_NODES}1]'
    body = "{" + ",".join(f'"f{number}":{{"_variant":"x","enabled":true,{more}}}' for number in range(flags)) + "}"
    names = tuple(f"f{number}" for number in range(flags))
    assert flags_seen(content(body.encode())) == FlagsSeen(names)
    packed: dict[str, Any] = {"format": Format.RAW, "compression": Compression.GZIP}
    assert rendered(body.encode(), **packed) == rendered(body.replace('"_variant":"x",', "").encode(), **packed)
    assert '"f0"' in refused(body.encode(), MultiVariant.REFUSE, **packed)


def test_the_default_is_the_default_variant() -> None:
    assert render(content(EXPERIMENT), spec(target=target(key=None))).text == {"config.json": BASIC.decode()}


keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(lambda key: key != "enabled")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["_variant", "enabled", ",", '"{']) | keys, inner, max_size=3)
    ),
    max_leaves=6,
)
members = st.tuples(st.dictionaries(keys.filter(lambda key: key != "_variant"), values, max_size=3), st.booleans())


@given(
    flags=st.dictionaries(keys, st.tuples(members, st.none() | values), min_size=1, max_size=4),
    indent=st.none() | st.integers(0, 2),
    where=st.sampled_from(["first", "last", "sorted"]),
    ascii_only=st.booleans(),
)
def test_the_name_of_the_variant_is_cut_out_and_no_other_byte(
    flags: dict[str, tuple[tuple[dict[str, Any], bool], Any]], indent: int | None, where: str, *, ascii_only: bool
) -> None:
    def text(*, with_variant: bool) -> bytes:
        document = {}
        for name, ((more, enabled), variant) in flags.items():
            flag = {"enabled": enabled, **more}
            if variant is not None and with_variant:
                flag = {"_variant": variant, **flag} if where == "first" else {**flag, "_variant": variant}
            document[name] = dict(sorted(flag.items())) if where == "sorted" else flag
        if where == "sorted" and not with_variant:
            document = {name: dict(sorted(flag.items())) for name, flag in document.items()}
        separators = (",", ":") if indent is None else None
        return json.dumps(document, indent=indent, separators=separators, ensure_ascii=ascii_only).encode()

    body = text(with_variant=True)
    assert variants_in_json(body) == tuple(sorted(name for name, (_, one) in flags.items() if one is not None))
    assert json_without_variants(body) == text(with_variant=False)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"a":{"_variant":"x","enabled":true}}', b'{"a":{"enabled":true}}'),
        (BOM + b'{ "a" : { "enabled" : true , "_variant" : "x" } }\n', BOM + b'{ "a" : { "enabled" : true  } }\n'),
        (b'{"a":{"enabled":true,"_\\u0076ariant":"x"}}', b'{"a":{"enabled":true}}'),
        (b'{"a":{"_variant":{"_variant":"x"},"enabled":true}}', b'{"a":{"enabled":true}}'),
    ],
)  # fmt: skip
def test_wherever_the_name_of_the_variant_stands(body: bytes, left: bytes) -> None:
    assert rendered(body, format=Format.RAW).text == {"config.json": left.decode()}
    assert flags_seen(content(body)) == FlagsSeen(("a",))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        b'{"_variant":"x"}',
        b'["_variant"]',
        b'[{"a":{"_variant":"x","enabled":true}}]',
        b'[{"_variant":"x","enabled":true}]',
        b'"_variant"',
        b'{"a":{"_variant":NaN,"enabled":true}}',
        b'{"a":{"_variant":1.5,"enabled":"true"}}',
        b'{"a":{"_variant":"x"}}',
        b'{"a":{"_variant":"x","enabled":1}}',
        b'{"a":{"_variant":"x","enabled":true},"b":1}',
        b'{"a":{"enabled":true,"b":{"_variant":"x","enabled":true}}}',
        b'{"a":{"_variant":"x","enabled":true}',
        b'{"a":{"_variant":"x","_variant":"x","enabled":true}}',
        b'\xff{"_variant":1}',
    ],
)
@pytest.mark.parametrize("multi_variant", MultiVariant)
def test_anything_but_flags_stays_as_it_is(body: bytes, multi_variant: MultiVariant) -> None:
    assert rendered(body, multi_variant, format=Format.RAW) == rendered(
        body, MultiVariant.RAW, content_type="application/json", format=Format.RAW
    )
    assert flags_seen(content(body)) == NONE_SEEN


@pytest.mark.parametrize("kind", ["application/yaml", "text/plain", "application/octet-stream"])
def test_flags_come_as_json(kind: str) -> None:
    assert list(rendered(EXPERIMENT, content_type=kind).text.values()) == [EXPERIMENT.decode()]
    assert flags_seen(content(EXPERIMENT, content_type=kind)) == NONE_SEEN


@pytest.mark.parametrize(("kind", "output", "compression", "select"), WAYS)
def test_refuse_names_the_flags(kind: Format, output: FlagOutput, compression: Compression, select: str | None) -> None:
    changes: dict[str, Any] = {"format": kind, "output": output, "compression": compression, "select": select}
    assert 'refuses: "checkout". ' in refused(EXPERIMENT, MultiVariant.REFUSE, **changes)
    assert rendered(BASIC, MultiVariant.REFUSE, **changes) == rendered(BASIC, **changes)


def test_many_flags_are_counted() -> None:
    flags = {f"flag-{number}": {"_variant": "x", "enabled": True} for number in range(10 + NAMED)}
    words = refused(json.dumps(flags).encode(), MultiVariant.REFUSE)
    assert words.count('"flag-') == NAMED
    assert " and 10 more" in words
    assert named(["a"]) == '"a"'


def test_a_name_from_outside_stays_on_one_line_and_short() -> None:
    words = refused(json.dumps({"x\n" * 500: {"_variant": "x", "enabled": True}}).encode(), MultiVariant.REFUSE)
    assert "\n" not in words
    assert len(words) < 700


def test_raw_writes_what_comes_also_where_it_is_json() -> None:
    """Whether AppConfig sends Ion for a profile of basic flags, nobody knows."""
    assert rendered(EXPERIMENT, MultiVariant.RAW).text == {"config.json": EXPERIMENT.decode()}


@pytest.mark.parametrize(
    "changes",
    [{"format": Format.JSON}, {"format": Format.ENTRIES}, {"select": "/checkout"}, {"output": FlagOutput.FLAGD}],
)
def test_raw_in_any_other_way_is_refused(changes: dict[str, Any]) -> None:
    assert "can only be written in the format Raw" in refused(EXPERIMENT, MultiVariant.RAW, **changes)
    assert rendered(BASIC, MultiVariant.RAW, **changes) == rendered(BASIC, **changes)
