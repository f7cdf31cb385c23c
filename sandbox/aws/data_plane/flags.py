"""Feature flags, from the form in which AppConfig stores them to the form in which it serves them. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.aws.data_plane.messages import compact

if TYPE_CHECKING:
    from collections.abc import Mapping

Flag: TypeAlias = "Mapping[str, Any]"

_VARIANTS = "_variants"


@dataclass(frozen=True)
class Variant:
    """A variant of a flag."""

    name: str
    rule: str
    """The text of its rule; empty for the default variant, which is the last."""
    json: str
    """What a caller sees who gets it."""


def read(body: bytes) -> dict[str, Flag] | None:
    """Read the values of flags; None if it is something else."""
    try:
        values = json.loads(body)
    except ValueError:
        return None
    if not isinstance(values, dict) or not all(isinstance(flag, dict) for flag in values.values()):
        return None
    return values


def flatten(flags: Mapping[str, Flag]) -> bytes:
    """Write what a caller gets who does not request Ion: the default variant of each flag, and no rules."""
    return compact({name: _served(flag) for name, flag in sorted(flags.items())})


def has_variants(flag: Flag) -> bool:
    """Return whether a flag is a multi-variant one."""
    return bool(flag.get(_VARIANTS))


def variants_of(flag: Flag) -> list[Variant] | None:
    """Return the variants of a flag; None if it is a basic one."""
    if not has_variants(flag):
        return None
    return [
        Variant(one["name"], one.get("rule", ""), compact(_served_variant(one)).decode()) for one in flag[_VARIANTS]
    ]


def served_json(flag: Flag) -> str:
    """Write what a caller sees of one flag."""
    return compact(_served(flag)).decode()


def _served(flag: Flag) -> dict[str, Any]:
    if _VARIANTS in flag:
        return _served_variant(flag[_VARIANTS][-1]) if flag[_VARIANTS] else {"enabled": False}
    return _shown(flag, {name: value for name, value in flag.items() if not name.startswith("_")})


def _served_variant(variant: Flag) -> dict[str, Any]:
    shown = _shown(variant, variant.get("attributeValues", {}))
    return dict(sorted({"_variant": variant["name"], **shown}.items()))


def _shown(flag: Flag, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flag, with its attributes if it is on and without them if it is off."""
    enabled = bool(flag.get("enabled"))
    return dict(sorted({**(attributes if enabled else {}), "enabled": enabled}.items()))
