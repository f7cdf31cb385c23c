"""Each field and each reason has a test with the mark `proves`: `git grep '"spec.select"' tests` finds it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from appconfig_operator.core.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


def field_paths(schema: dict[str, Any], path: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from field_paths(part, f"{path}.{name}")


def fields() -> set[str]:
    definition = yaml.safe_load((ROOT / "crds" / "appconfigsources.yaml").read_text(encoding="utf-8"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return {path for part in ("spec", "status") for path in field_paths(schema[part], part)}


def proven() -> Iterator[str]:
    """Read it in the decorators of all tests, as no run collects all of them."""
    for file in (ROOT / "tests").rglob("test_*.py"):
        for test in ast.parse(file.read_text(encoding="utf-8")).body:
            for decorator in getattr(test, "decorator_list", ()):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.proves":
                    yield from map(ast.literal_eval, decorator.args)


def test_each_field_and_reason_has_a_test_that_proves_it() -> None:
    named, there = set(proven()), fields() | {str(reason) for reason in Reason}
    assert there - named == set(), "no test is marked with them"
    assert named - there == set(), "tests are marked with them, and they do not exist"
