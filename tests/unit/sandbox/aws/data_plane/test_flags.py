"""Flags as AppConfig serves them: flat, and as the binary Ion that Amazon's own library reads."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from amazon.ion import simpleion
from amazon.ion.symbols import SymbolTableCatalog, shared_symbol_table

from sandbox.aws.data_plane import ion
from sandbox.aws.data_plane.experiments import Experiment, during
from sandbox.aws.data_plane.expressions import Labelled, Operation, Symbol, parse
from sandbox.aws.data_plane.flags import flatten, read
from sandbox.aws.data_plane.rendering import takes_ion

RULE = '(and (exists key::"tier") (in $tier ["gold", "a \\"b\\""]) (not (split pct::10 by::$user seed::"s")))'
FLAGS: dict[str, Any] = {
    "wrap": {
        "_variants": [
            {"name": "gold", "enabled": True, "rule": RULE, "attributeValues": {"limit": 9, "name": "größe"}},
            {"name": "rest", "enabled": False, "attributeValues": {"limit": 1}},
        ]
    },
    "banner": {"enabled": True, "text": "x" * 300},
}


def catalog() -> SymbolTableCatalog:
    """Make the two tables, with what is proven of them."""
    tables = SymbolTableCatalog()
    texts: dict[int, str] = {number: word for word, number in ion.PROVEN.items()}
    for name, first, last in (("ops", 10, 32), ("anns", 33, 44)):
        tables.register(shared_symbol_table(name, 1, [texts.get(number) for number in range(first, last + 1)]))
    return tables


def test_flat() -> None:
    assert json.loads(flatten(FLAGS)) == {
        "banner": {"enabled": True, "text": "x" * 300},
        "wrap": {"_variant": "rest", "enabled": False},
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a": 1}', b"{"])
def test_no_flags(body: bytes) -> None:
    assert read(body) is None


def test_amazons_library_reads_the_same() -> None:
    values = simpleion.load_python(io.BytesIO(ion.encode(FLAGS)), catalog=catalog(), single_value=False)
    banner, wrap = values
    assert [[symbol.text for symbol in value.ion_annotations] for value in values] == [["banner"], ["wrap"]]
    assert json.loads(banner) == FLAGS["banner"]
    variant, default = wrap
    assert variant.ion_annotations[0].text == "gold"
    assert json.loads(default) == {"_variant": "rest", "enabled": False}
    rule, served = variant
    assert json.loads(served) == {"_variant": "gold", "enabled": True, "limit": 9, "name": "größe"}
    operator, exists, among, without = rule
    assert (operator.text, exists[0].text, exists[1], exists[1].ion_annotations[0].text) == (
        "and",
        "exists",
        "tier",
        "key",
    )
    assert (among[0].text, among[1].text, list(among[2])) == ("in", "$tier", ["gold", 'a "b"'])
    split = without[1]
    assert (without[0].text, split[0].text, split[1], split[2].text) == ("not", "split", 10, "$user")
    assert [part.ion_annotations[0].text for part in split[1:]] == ["pct", "by", "seed"]


@pytest.mark.parametrize("name", sorted(ion.PROVEN))
def test_name_in_a_shared_table(name: str) -> None:
    written = ion.encode({name: {"enabled": True}})
    (value,) = simpleion.load_python(io.BytesIO(written), catalog=catalog(), single_value=False)
    assert value.ion_annotations[0].text == name
    assert name.encode() not in written.partition(b"anns")[2], "by its id, without its text"


@pytest.mark.parametrize(
    "flags", [{"or": {"enabled": True}}, {"a": {"_variants": [{"name": "x", "rule": "(f x::1)"}]}}]
)
def test_symbol_with_an_unknown_id(flags: dict[str, Any]) -> None:
    with pytest.raises(ion.UnknownSymbolError, match="is unknown"):
        ion.encode(flags)


def test_rule() -> None:
    assert parse('(eq $tier, -3, [], seed::("x"))') == Operation(
        (Symbol("eq"), Symbol("$tier"), -3, [], Labelled("seed", Operation(("x",))))
    )


@pytest.mark.parametrize("rule", ["", "(", "(a", ")", "[a)", "(a) (b)", "by::", "1.5", '"', "(a))"])
def test_no_rule(rule: str) -> None:
    with pytest.raises(ValueError, match=r"rule|expression"):
        parse(rule)


def test_experiment_on_a_flag_that_has_variants_already() -> None:
    assert during(FLAGS, [Experiment("wrap"), Experiment("gone")]) == FLAGS


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/ion;type=AWS.AppConfig.FeatureFlags;q=1.0,*/*;q=0.1", True),
        ("application/ion; type=AWS.AppConfig.FeatureFlags", True),
        ("application/ion", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_who_asks_for_ion(accept: str, *, wanted: bool) -> None:
    assert takes_ion(accept) is wanted
