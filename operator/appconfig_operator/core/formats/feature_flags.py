"""From feature flags in Amazon Ion to the same document as in JSON.

A flag is an annotated value. A basic flag is a string that holds its JSON. A multi-variant flag is a list; its last
string holds the JSON of the default variant, the one that no rule belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.core.errors import ContentError
from appconfig_operator.core.formats.document import invalid, shown
from appconfig_operator.core.formats.ion.read import read_ion
from appconfig_operator.core.formats.parse_json import parse_json
from appconfig_operator.core.formats.variants import VARIANT

if TYPE_CHECKING:
    from appconfig_operator.core.formats.document import Document
    from appconfig_operator.core.formats.ion.values import IonValue


@dataclass(frozen=True, slots=True)
class IonFlags:
    """Feature flags read from Amazon Ion.

    Attributes
    ----------
    document
        The flags with the values that they have if no rule matches: `{"flag": {"enabled": true, …}}`. Multi-variant
        flags have the name of their variant, as in the JSON that AppConfig sends.
    nameless
        The symbol numbers of flags that are not in the document, because the names that they stand for are unknown.
    """

    document: dict[str, Document]
    nameless: tuple[int, ...]


def ion_flags(body: bytes) -> IonFlags:
    """Read feature flags.

    Raises
    ------
    ContentError
        `InvalidContent`, if they are not what AppConfig sends, or if no flag would be left.
    """
    flags: dict[str, Document] = {}
    nameless: set[int] = set()
    for number, value in enumerate(read_ion(body), start=1):
        if len(value.annotations) != 1:
            raise invalid(f"Value {number:,} of the feature flags does not have exactly one name.")
        name = value.annotations[0]
        if isinstance(name, int):
            nameless.add(name)
            continue
        if name in flags:
            raise invalid(f"The feature flag {shown(name)} appears twice.")
        flags[name] = _flag(name, value)
    if nameless and not flags:
        raise invalid("The name of each feature flag is a symbol that only AWS knows. Rename the flags.")
    if not flags:
        # An empty result would replace existing data. A user who has no more flags deletes the profile.
        raise invalid("The configuration has the content type of feature flags in Amazon Ion, but contains no flags.")
    return IonFlags(flags, tuple(sorted(nameless)))


def _flag(name: str, value: IonValue) -> Document:
    content = value.content
    has_rules = isinstance(content, list)
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
            raise invalid(f'The feature flag {shown(name)} is not an object with "enabled": true or false.')
        if has_rules:
            flag.setdefault(VARIANT, "")  # a list is multi-variant, whether its variants have names or not
        return flag
    raise invalid(f"The feature flag {shown(name)}: {problem}")
