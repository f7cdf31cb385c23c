"""The resources in the pages are ones that the API server would take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
MINIMAL = {"application": "shop", "environment": "production", "configurationProfile": "checkout"}
BEGIN = "```yaml|kubectl apply --server-side -f - <<'YAML'"
BLOCK = re.compile(rf"^(?:{BEGIN})\n(.*?)^(?:```|YAML)$", re.MULTILINE | re.DOTALL)
FIELDS = {"select", "target", "featureFlags", "credentials", "suspend", "pinnedDigest", *MINIMAL}


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Refuse unknown fields, as kubectl does."""
    properties = {name: closed(part) for name, part in schema.get("properties", {}).items()}
    limit = {} if "additionalProperties" in schema or not properties else {"additionalProperties": False}
    return {**schema, **({"properties": properties} if properties else {}), **limit}


def validator() -> Draft202012Validator:
    definition = yaml.safe_load((ROOT / "crds" / "appconfigsources.yaml").read_text("utf-8"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return Draft202012Validator(closed(schema["properties"]["spec"]))


def blocks() -> Iterator[tuple[str, list[Any]]]:
    for page in PAGES:
        for number, text in enumerate(BLOCK.findall(page.read_text("utf-8")), 1):
            yield f"{page.name}, block {number}", list(yaml.safe_load_all(text))


def specs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each spec of an AppConfigSource, whole or in part."""
    for name, documents in blocks():
        for document in documents:
            if not isinstance(document, dict):
                continue
            part = set(document) == {"spec"} and set(document["spec"]) <= FIELDS
            if part or document.get("kind") == "AppConfigSource":
                yield name, {**(MINIMAL if part else {}), **document["spec"]}


SPECS = list(specs())


@pytest.mark.parametrize("spec", [spec for _, spec in SPECS], ids=[name for name, _ in SPECS])
def test_specs_are_those_of_the_crd(spec: dict[str, Any]) -> None:
    assert [error.message for error in validator().iter_errors(spec)] == []


def test_there_are_examples() -> None:
    named = {name.partition(",")[0] for name, _ in SPECS}
    assert {"README.md", "getting-started.md", "consumers.md", "how-tos.md"} <= named


def test_an_unknown_field_would_be_found() -> None:
    assert list(validator().iter_errors({**MINIMAL, "target": {"creationpolicy": "Owner"}}))
