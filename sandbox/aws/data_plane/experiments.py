"""Experiments, as far as the data plane shows them: while one runs, its basic flag has variants. No I/O.

In AWS, a run deploys the current version again. Here it does not, because that would have no other visible effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.aws.data_plane.flags import has_variants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.aws.data_plane.flags import Flag


@dataclass(frozen=True)
class Experiment:
    """A run of an experiment about a basic flag."""

    flag: str
    arn: str = (
        "arn:aws:appconfig:eu-west-1:000000000000:application/abc1234/experimentdefinition/def5678/experimentrun/1"
    )
    audience: str = ""
    """The rule that selects participants; empty: everyone who has the entity's key."""
    entity: str = "entityId"
    exposure: int = 20
    """Percentage of the audience."""
    treatment: Flag = field(default_factory=lambda: {"enabled": True})
    """The flag in the treatment; in the control, it is unchanged."""
    treated: Sequence[str] = ()
    """Entities that are always in the treatment."""
    controls: Sequence[str] = ()
    """Entities that are always in the control."""

    @property
    def header(self) -> str:
        """Its part of the header ``Experiment-Flags``."""
        return f"{self.flag}={self.arn}|t1=__t1__,c=__c__"

    def variants(self, flag: Flag) -> Flag:
        """Return a basic flag as it is served while the experiment runs."""
        _, _, _, _, account, resource = self.arn.split(":", 5)
        _, application, _, definition, _, run = resource.split("/")
        tail = f'by::${self.entity} seed::"{account}:{application}:{definition}:{run}"'
        half = self.exposure // 2  # both sides have the same weight; the control starts at 50 percent
        chosen = f"(split pct::{50 + half} {tail}) (not (split pct::50 {tail}))"
        there = f'(and (exists key::"{self.entity}") {self.audience}'
        made = [
            *_override("__c_override__", self.entity, self.controls, flag),
            *_override("__t1_override__", self.entity, self.treated, self.treatment),
            _variant("__t1__", f"{there} (split pct::{half} {tail}))", self.treatment),
            _variant("__c__", f"{there} (and {chosen}))", flag),
            _variant("__default__", "", flag),
        ]
        return {"_variants": made}


def during(flags: Mapping[str, Flag], running: Sequence[Experiment]) -> dict[str, Flag]:
    """Return flags as they are while experiments run."""
    changed = {
        run.flag: run.variants(flags[run.flag])
        for run in running
        if run.flag in flags and not has_variants(flags[run.flag])
    }
    return {**flags, **changed}


def _override(name: str, entity: str, who: Sequence[str], flag: Flag) -> list[Flag]:
    chosen = " ".join(f'"{one}"' for one in who)
    return [_variant(name, f"(in ${entity} [{chosen}])", flag)] if who else []


def _variant(name: str, rule: str, flag: Flag) -> Flag:
    attributes = {key: value for key, value in flag.items() if key != "enabled" and not key.startswith("_")}
    made = {"name": name, "enabled": bool(flag.get("enabled")), "attributeValues": attributes}
    return {**made, "rule": rule} if rule else made
