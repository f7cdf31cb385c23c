"""What a plain scalar of YAML means, beside what its readers make of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from appconfig_operator.core.formats.document import Number
from appconfig_operator.core.formats.parse_yaml import parse_yaml
from appconfig_operator.core.formats.yaml_scalars import resolve


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
