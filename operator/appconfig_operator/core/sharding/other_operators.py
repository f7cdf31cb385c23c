"""Other operators in the cluster, by their Leases: which are running, and whether they serve the same namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import GROUP
from appconfig_operator.core.sharding.lease import from_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

SERVES = f"{GROUP}/namespaces"
"""The annotation of a Lease that names the namespaces its holder serves: names with commas between, or `*`."""

EVERYWHERE = "*"

_SHOWN = 5
_LONGEST_NAME = 63
_LONGEST_SECONDS = 300


def serving(namespaces: Sequence[str]) -> str:
    """Return the value of the annotation. Without namespaces: all."""
    return ",".join(namespaces) or EVERYWHERE


@dataclass(frozen=True, slots=True)
class OtherLease:
    """A Lease that another operator holds.

    Attributes
    ----------
    namespace, name
        Where it is.
    version
        Its `resourceVersion`. When it changes, its holder is running, whatever the clocks say.
    duration
        Seconds within which its holder renews it.
    serves
        What the annotation says, or empty: older versions have none.
    """

    namespace: str
    name: str
    version: str
    duration: int
    serves: str


def leases_of_others(items: Iterable[Mapping[str, Any]], own: str) -> list[OtherLease]:
    """Return the Leases that others hold: those in the operator's own namespace are its replicas'."""
    found = []
    for item in items:
        metadata, lease = item["metadata"], from_dict(item)
        if lease is not None and lease.holder and metadata["namespace"] != own:
            serves = (metadata.get("annotations") or {}).get(SERVES, "")
            duration = min(lease.duration or 0, _LONGEST_SECONDS)
            found.append(OtherLease(metadata["namespace"], lease.name, lease.version, duration, serves))
    return found


def renewed(before: Iterable[OtherLease], now: Iterable[OtherLease]) -> dict[str, str]:
    """Return the namespaces of the Leases that were written in between, and what their holders serve."""
    known = {(lease.namespace, lease.name): lease.version for lease in before}
    return {lease.namespace: lease.serves for lease in now if known.get((lease.namespace, lease.name)) != lease.version}


def warning(namespace: str, theirs: str, ours: Sequence[str]) -> str:
    """Say that sources are polled twice, and what to do, or nothing: that operator serves other namespaces.

    Parameters
    ----------
    namespace
        Where the other one has its Leases.
    theirs
        What they say that it serves.
    ours
        What this one serves, empty: all.
    """
    said = [name for name in theirs.split(",") if name]
    everywhere = theirs == EVERYWHERE
    if everywhere or not said:
        shared = list(ours)
    else:
        shared = [name for name in said if not ours or name in ours]
        if not shared:
            return ""
    also = f"and also serves {_named(shared)}" if said else "and may serve the same namespaces"
    # Only then: otherwise each would leave sources to the other that it does not serve.
    same = not ours if everywhere else bool(said) and set(said) == set(ours)
    other = "give this one different namespaces (--namespace)"
    ways = f", {other}, or let them share the work (--lease-namespace={namespace})" if same else f", or {other}"
    return (
        f"Another appconfig-operator is running in this cluster, with its Leases in namespace {namespace}, {also}: "
        f"both poll each AppConfigSource there, and AWS bills both. Stop one of them{ways}"
    )


def _named(namespaces: Sequence[str]) -> str:
    """Name some. Anyone can write the annotation: neither long names nor many of them go into a log."""
    if not namespaces:
        return "all namespaces"
    more = f" and {len(namespaces) - _SHOWN} more" if len(namespaces) > _SHOWN else ""
    kind = "namespace" if len(namespaces) == 1 else "namespaces"
    return f"{kind} {', '.join(name[:_LONGEST_NAME] for name in namespaces[:_SHOWN])}{more}"
