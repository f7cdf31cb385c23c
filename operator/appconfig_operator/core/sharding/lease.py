"""A Lease of the operator: a shard's says who holds it, a member's says that a replica is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import FIELD_MANAGER, MANAGED_BY
from appconfig_operator.api.v1alpha1 import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARD, MEMBER = "shard", "member"

KIND = f"{GROUP}/lease"
SELECTOR = f"{MANAGED_BY}={FIELD_MANAGER},{KIND} in ({SHARD},{MEMBER})"
"""The label selector that finds all Leases of the operator in a namespace."""

SHARDS = f"{GROUP}/shards"
"""The annotation that says how many shards the holder splits the sources into."""

_PREFIXES = {SHARD: "appconfig-operator-shard-", MEMBER: "appconfig-operator-member-"}
_LONGEST_HOST = 40
_NUMBER = re.compile(r"0|[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease, as far as the operator reads and writes it.

    Attributes
    ----------
    name
        Its name, which has the number of a shard or the identity of a member.
    holder
        Identity of the replica that holds it, or empty: free.
    shards
        How many shards the holder splits the sources into, or `None` when it does not say.
    duration
        Seconds after which it has expired when it is not renewed, or `None` when it does not say.
    transitions
        How often its holder changed.
    acquired
        When its holder acquired it (RFC 3339), or empty: by the next write.
    uid, version
        `uid` and `resourceVersion` that a write expects, empty for a create.
    """

    name: str
    holder: str
    shards: int | None
    duration: int | None
    transitions: int = 0
    acquired: str = ""
    uid: str = ""
    version: str = ""

    @property
    def shard(self) -> int | None:
        """Number of the shard, or `None` for a member's Lease."""
        rest = self.name.removeprefix(_PREFIXES[SHARD])
        return int(rest) if rest != self.name and _NUMBER.fullmatch(rest) else None

    @property
    def term(self) -> tuple[str, str, int]:
        """What stays the same while one holder has it, with no other in between."""
        return self.uid, self.holder, self.transitions


def shard_lease(shard: int) -> str:
    """Return the name of the Lease of a shard."""
    return f"{_PREFIXES[SHARD]}{shard}"


def member_lease(identity: str) -> str:
    """Return the name of the Lease of a replica."""
    return f"{_PREFIXES[MEMBER]}{identity}"


def identity(host: str, random: str) -> str:
    """Name a replica so that its name can be part of a Lease's, a DNS subdomain.

    Parameters
    ----------
    host
        Name of the host or Pod, for readers.
    random
        Lower-case letters and digits, different for each process.
    """
    # What distinguishes Pods of a Deployment is at the end.
    safe = re.sub(r"[^a-z0-9]+", "-", host.lower())[-_LONGEST_HOST:].strip("-")
    return f"{safe or 'replica'}-{random}"


def from_dict(body: Mapping[str, Any]) -> Lease | None:
    """Read a Lease. `None`: its name is not one of the operator's."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    shards = (metadata.get("annotations") or {}).get(SHARDS, "")
    lease = Lease(
        name=metadata["name"],
        holder=spec.get("holderIdentity") or "",
        shards=int(shards) if _NUMBER.fullmatch(shards) else None,
        duration=spec.get("leaseDurationSeconds"),
        transitions=spec.get("leaseTransitions") or 0,
        acquired=spec.get("acquireTime") or "",
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
    )
    return lease if lease.shard is not None or lease.name.startswith(_PREFIXES[MEMBER]) else None


def to_dict(lease: Lease, *, now: str) -> dict[str, Any]:
    """Return the body of a create or a replace.

    Parameters
    ----------
    lease
        What to write. `uid` and `version`, when it has them, are the write's preconditions.
    now
        RFC 3339, for readers: nothing depends on it.
    """
    metadata: dict[str, Any] = {
        "name": lease.name,
        "labels": {MANAGED_BY: FIELD_MANAGER, KIND: MEMBER if lease.shard is None else SHARD},
        "annotations": {SHARDS: str(lease.shards)},
    }
    if lease.version:
        metadata |= {"uid": lease.uid, "resourceVersion": lease.version}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": lease.duration,
            "leaseTransitions": lease.transitions,
            "acquireTime": lease.acquired or now,
            "renewTime": now,
        },
    }
