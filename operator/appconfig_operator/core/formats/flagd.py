"""From feature flags to a flagd definition, for OpenFeature.

Each flag becomes a boolean flag of the same name. Its attributes, which AppConfig sends while it is on, become a
separate object flag. Both are always `ENABLED`: flagd treats a `DISABLED` flag as missing, and an application would
then get the default in its code, which may be true.
https://flagd.dev/reference/flag-definitions/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import shown, unsupported

if TYPE_CHECKING:
    from appconfig_operator.core.formats.document import Document

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
ATTRIBUTES = ".attributes"
"""Suffix of the flag that holds the attributes. The key of an AppConfig flag has no dot."""


def flagd(document: Document) -> Document:
    """Make a flagd definition that gives the same answers as AppConfig does to a caller without context.

    Raises
    ------
    ContentError
        `UnsupportedContent`, if the document is not a set of feature flags.
    """
    if not isinstance(document, dict):
        raise unsupported("A flagd definition can only be made from feature flags, and the document is not an object.")
    definitions: dict[str, Document] = {}
    for name, flag in document.items():
        if not _is_key(name):
            raise unsupported(
                f"A flagd definition cannot have a flag named {shown(name)}: a name must not be empty or contain a "
                "dot. Rename the flag, or set spec.featureFlags.output to AppConfig."
            )
        if not isinstance(flag, dict) or not isinstance(flag.get("enabled"), bool):
            raise unsupported(
                f"A flagd definition can only be made from feature flags, and {shown(name)} is not one: "
                'a flag is an object with "enabled": true or false. Set spec.featureFlags.output to AppConfig.'
            )
        on = flag["enabled"] is True
        definitions[name] = {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "on" if on else "off",
        }
        attributes = {key: value for key, value in flag.items() if key not in {"enabled", "_variant"}}
        if attributes:
            definitions[name + ATTRIBUTES] = {
                "state": "ENABLED",
                "variants": {"attributes": attributes},
                "defaultVariant": "attributes",
            }
    return {"$schema": SCHEMA, "flags": definitions}


def _is_key(name: str) -> bool:
    """Return whether this can be a flag of AppConfig. Its key has no dot, so that no two keys collide."""
    return bool(name) and "." not in name
