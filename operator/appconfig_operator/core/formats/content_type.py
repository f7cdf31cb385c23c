"""Content types: which configurations are documents, and which key each gets by default."""

from __future__ import annotations

from enum import StrEnum

from appconfig_operator.api.v1alpha1 import Format


class MediaType(StrEnum):
    """What a content type says the bytes are. Only the first three support conversion and `select`."""

    JSON = "JSON"
    YAML = "YAML"
    ION_FLAGS = "feature flags in Amazon Ion"
    OTHER = "other"


JSON_TYPES = frozenset({"application/json", "text/json"})
YAML_TYPES = frozenset({"application/x-yaml", "application/yaml", "text/yaml", "text/x-yaml"})
ION_TYPE = "application/ion"
FEATURE_FLAGS = "aws.appconfig.featureflags"

OTHER_KEYS = {
    "text/plain": "config.txt",
    "text/x-java-properties": "config.properties",
    "text/x-properties": "config.properties",
    ION_TYPE: "config.ion",
}
"""Default keys of the `Raw` format for content that is neither JSON nor YAML. For anything else, it is `config`."""

KEYS = {
    Format.JSON: "config.json",
    Format.YAML: "config.yaml",
    Format.PROPERTIES: "config.properties",
    Format.DOTENV: "config.env",
}
"""Default keys of the formats that determine the language."""


def media_type(content_type: str) -> MediaType:
    """Return the kind of a content type, including the structured suffixes `+json` and `+yaml` (RFC 6839, RFC 9512)."""
    mime_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if mime_type in JSON_TYPES or mime_type.endswith("+json"):
        return MediaType.JSON
    if mime_type in YAML_TYPES or mime_type.endswith("+yaml"):
        return MediaType.YAML
    if mime_type == ION_TYPE and any(_is_flags(parameter) for parameter in parameters):
        return MediaType.ION_FLAGS
    return MediaType.OTHER


def default_key(content_type: str) -> str:
    """Return the key for bytes that are written unchanged. Parameters of the content type are ignored."""
    match media_type(content_type):
        case MediaType.JSON:
            return KEYS[Format.JSON]
        case MediaType.YAML:
            return KEYS[Format.YAML]
    return OTHER_KEYS.get(content_type.partition(";")[0].strip().lower(), "config")


def _is_flags(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "type" and value.strip().strip('"') == FEATURE_FLAGS
