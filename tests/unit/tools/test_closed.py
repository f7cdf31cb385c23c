"""Schemas that are closed: what they refuse, and what they take."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from tools.closed import METADATA, closed, definitions, resource

INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def described() -> dict[str, dict[str, Any]]:
    """Describe a small Kubernetes."""
    return {
        METADATA: {"type": "object", "properties": {"name": {"type": "string"}}},
        INT_OR_STRING: {"type": "string", "format": "int-or-string"},
        QUANTITY: {"type": "string"},
        "Spec": {
            "type": "object",
            "required": ["port"],
            "properties": {
                "port": {"$ref": f"#/definitions/{INT_OR_STRING}", "description": "Which."},
                "size": {"$ref": f"#/definitions/{QUANTITY}"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "alias": {"type": "string", "description": "An alias. Deprecated: use port."},
                "any": {"description": "Whatever."},
            },
        },
        "Unused": {"type": "object"},
        "Thing": {
            "type": "object",
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"$ref": f"#/definitions/{METADATA}"},
                "spec": {"$ref": "#/definitions/Spec"},
            },
        },
    }


def thing(spec: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    body = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, **fields}
    return body if spec is None else {**body, "spec": {"port": 80, **spec}}


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    known = definitions(described())
    return Draft7Validator(resource(known["Thing"], "example.com/v1", "Thing", known))


@pytest.mark.parametrize(
    "body",
    [
        thing(),
        thing({}),
        thing({"port": "http", "size": 1, "labels": {"a": "b"}, "any": [1]}),
        thing({"size": "1Gi"}),
    ],
    ids=["no spec", "least", "all", "quantity"],
)
def test_taken(validator: Draft7Validator, body: dict[str, Any]) -> None:
    assert [error.message for error in validator.iter_errors(body)] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (thing(extra=1), "'extra' was unexpected"),
        (thing({"prot": 80}), "'prot' was unexpected"),
        (thing({"alias": "x"}), "'alias' was unexpected"),
        (thing({"labels": {"a": 1}}), "1 is not of type 'string'"),
        (thing({"port": True}), "True is not of type 'integer', 'string'"),
        (thing({"port": None}), "None is not of type 'integer', 'string'"),
        (thing(metadata={"nmae": "x"}), "'nmae' was unexpected"),
        (thing(apiVersion="example.com/v2"), "'example.com/v1' was expected"),
        ({"apiVersion": "example.com/v1", "kind": "Thing"}, "'metadata' is a required property"),
        (thing(spec={"port": 80}) | {"spec": {}}, "'port' is a required property"),
    ],
    ids=[
        "top",
        "typing error",
        "deprecated",
        "label",
        "bool",
        "null",
        "metadata",
        "version",
        "no metadata",
        "required",
    ],
)
def test_refused(validator: Draft7Validator, body: dict[str, Any], message: str) -> None:
    (error,) = validator.iter_errors(body)
    assert message in error.message


def test_only_what_is_needed_is_in_a_file() -> None:
    known = definitions(described())
    made = resource(known["Thing"], "example.com/v1", "Thing", known)
    assert set(made["definitions"]) == {METADATA, INT_OR_STRING, QUANTITY, "Spec"}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        (
            {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            [1, "a"],
            [None, []],
        ),
        ({"type": "string", "nullable": True}, ["a", None], [1]),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {"type": "string"}}},
            [{"b": 1}],
            [{"a": 1}],
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            [{"a": ""}],
            [{}, {"a": "", "b": ""}, {"c": 1}],
        ),
        (
            {"type": "array", "maxItems": 1, "items": {"type": "object", "properties": {}}},
            [[], [{}]],
            [[{"a": 1}], [{}, {}]],
        ),
        ({"type": "string", "pattern": "^a$", "enum": ["a"]}, ["a"], ["b"]),
    ],
    ids=["int or string", "nullable", "preserved", "one of", "items", "pattern"],
)
def test_of_a_crd(schema: dict[str, Any], right: list[Any], wrong: list[Any]) -> None:
    validator = Draft7Validator(closed(schema))
    assert all(validator.is_valid(value) for value in right)
    assert not any(validator.is_valid(value) for value in wrong)
