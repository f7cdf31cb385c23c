"""JSON schemas that take what an API server takes without a word, and nothing else."""

from __future__ import annotations

import re
from typing import Any

Schema = dict[str, Any]

METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

_DEFINITIONS = "#/definitions/"
_KEPT = ("type", "format", "required", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems",
         "maxItems", "uniqueItems", "minProperties", "maxProperties", "oneOf", "anyOf", "allOf", "not")  # fmt: skip
_COMBINED = ("oneOf", "anyOf", "allOf")
_DEPRECATED = re.compile(r"\bDeprecated[:.]|\bThis (API|field) is deprecated")
# The description of Kubernetes calls both strings.
_TYPES = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["integer", "string"],
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ["number", "string"],
}


def deprecated(schema: Schema) -> bool:
    """Say whether its description calls it deprecated: there is no other mark in the description of Kubernetes."""
    return _DEPRECATED.search(schema.get("description", "")) is not None


def closed(schema: Schema) -> Schema:
    """Close a schema of Kubernetes or of a CRD.

    Parameters
    ----------
    schema
        As in the OpenAPI description of Kubernetes, or in `openAPIV3Schema` of a CRD.

    Returns
    -------
    dict
        A JSON schema that refuses fields which are unknown, or deprecated.
    """
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    made = {name: schema[name] for name in _KEPT if name in schema}
    for name in _COMBINED:
        if name in made:
            made[name] = [closed(choice) | {"additionalProperties": True} for choice in made[name]]
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if schema.get("nullable"):
        made["type"] = [made["type"], "null"]
    if "items" in schema:
        made["items"] = closed(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        made["additionalProperties"] = closed(schema["additionalProperties"])
    if "properties" in schema:
        fields = schema["properties"]
        made["properties"] = {name: closed(field) for name, field in fields.items() if not deprecated(field)}
        made.setdefault("additionalProperties", bool(schema.get("x-kubernetes-preserve-unknown-fields")))
    return made


def definitions(described: dict[str, Schema]) -> dict[str, Schema]:
    """Close all definitions of Kubernetes.

    Parameters
    ----------
    described
        By name, as in `swagger.json`.

    Returns
    -------
    dict of str to dict
        All of them, by name; deprecated ones too, as statuses name some.
    """
    made = {name: closed(schema) for name, schema in described.items()}
    for name, kinds in _TYPES.items():
        made[name]["type"] = kinds
        # What else it says is about the string.
        made[name].pop("format", None)
    return made


def resource(schema: Schema, api_version: str, kind: str, known: dict[str, Schema]) -> Schema:
    """Make the schema of one kind, with the definitions that it needs.

    Parameters
    ----------
    schema
        Of the kind, closed.
    api_version, kind
        Whose it is.
    known
        All definitions, by name.

    Returns
    -------
    dict
        A JSON schema that stands alone.
    """
    properties = {**schema["properties"], "apiVersion": {"const": api_version}, "kind": {"const": kind}}
    properties["metadata"] = {"$ref": _DEFINITIONS + METADATA}
    required = sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"})
    made = {**schema, "properties": properties, "required": required}
    needed: dict[str, Schema] = {}
    left = [made]
    while left:
        for name in _references(left.pop()) - set(needed):
            needed[name] = known[name]
            left.append(known[name])
    return {**made, "definitions": needed}


def _references(part: object) -> set[str]:
    if isinstance(part, list):
        return {name for item in part for name in _references(item)}
    if not isinstance(part, dict):
        return set()
    reference = part.get("$ref")
    own = {reference.removeprefix(_DEFINITIONS)} if isinstance(reference, str) else set()
    return own.union(*(_references(child) for child in part.values()))
