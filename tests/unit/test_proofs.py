"""docs/proofs.md names a test for each field and reason, and the tests are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from appconfig_operator.core.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| `([\w.]+)` \| `([\w/.]+)::(\w+)` \|$", (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8"), re.MULTILINE
)


def field_paths(schema: dict[str, Any], path: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from field_paths(part, f"{path}.{name}")


def fields() -> set[str]:
    definition = yaml.safe_load((ROOT / "crds" / "appconfigsources.yaml").read_text(encoding="utf-8"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return {path for part in ("spec", "status") for path in field_paths(schema[part], part)}


def test_each_field_and_reason_has_a_proof() -> None:
    named = {row[0] for row in ROWS}
    assert named == fields() | {str(reason) for reason in Reason}
    assert len(ROWS) == len(named), "a row twice"


@pytest.mark.parametrize(("file", "test"), sorted({(file, test) for _, file, test in ROWS}))
def test_the_proof_exists(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
