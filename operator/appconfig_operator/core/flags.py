"""Multi-variant feature flags to the document that basic flags come as.

A flag is an annotated value: a basic one a string that holds its JSON, a multi-variant one a list whose last string
holds the JSON of the default variant, the one that no rule belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import MultiVariant
from appconfig_operator.core.document import invalid, shown, unsupported
from appconfig_operator.core.errors import ContentError
from appconfig_operator.core.ion import read_ion
from appconfig_operator.core.parse_json import parse_json

if TYPE_CHECKING:
    from appconfig_operator.core.document import Document
    from appconfig_operator.core.ion_values import IonValue

VARIANT = "_variant"
"""Name of the variant in its JSON. Basic flags have no such member, so it is left out."""


def default_variants(body: bytes, multi_variant: MultiVariant) -> Document:
    """Return the flags with the values that they have when no rule matches: `{"flag": {"enabled": true, …}}`.

    Raises
    ------
    ContentError
        `UnsupportedContent`, when something else is wanted of multi-variant flags; `InvalidContent`, when they are
        not what AppConfig sends.
    """
    if multi_variant is MultiVariant.REFUSE:
        raise unsupported(
            "The profile has multi-variant feature flags, which come with rules that only the AppConfig Agent "
            "evaluates. Set spec.featureFlags.multiVariant to DefaultVariant for the variants without a rule, or to "
            "Raw for the Amazon Ion as it is."
        )
    if multi_variant is MultiVariant.RAW:
        raise unsupported(
            "The profile has multi-variant feature flags, and spec.featureFlags.multiVariant is Raw: Amazon Ion can "
            "only be written in the format Raw, without spec.select and with spec.featureFlags.output AppConfig. "
            "Set that, or set multiVariant to DefaultVariant."
        )
    flags: dict[str, Document] = {}
    for number, value in enumerate(read_ion(body), start=1):
        name = value.annotations[0] if len(value.annotations) == 1 else None
        if name is None:
            raise invalid(f"Value {number:,} of the feature flags has not one name.")
        if name in flags:
            raise invalid(f"The feature flag {shown(name)} is there twice.")
        flags[name] = _flag(name, value)
    return flags


def _flag(name: str, value: IonValue) -> Document:
    content = value.content
    if isinstance(content, list) and content:
        content = content[-1].content
    if not isinstance(content, str):
        raise invalid(f"The feature flag {shown(name)} has no default variant.")
    try:
        flag = parse_json(content.encode())
    except ContentError as error:
        problem = error.message
    else:
        if not isinstance(flag, dict) or not isinstance(flag.get("enabled"), bool):
            raise invalid(f'The feature flag {shown(name)} is no object with "enabled": true or false.')
        return {key: member for key, member in flag.items() if key != VARIANT}
    raise invalid(f"The feature flag {shown(name)}: {problem}")
