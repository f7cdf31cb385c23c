"""What an election requests from the API server, and what the answers can be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from appconfig_operator.core.sharding.lease import Lease


@dataclass(frozen=True, slots=True)
class ListLeases:
    """List all Leases of the operator. Answered with a list."""


@dataclass(frozen=True, slots=True)
class CreateLease:
    """Create a Lease. Answered with it, as it is now."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class ReplaceLease:
    """Replace a Lease, if it still has its `uid` and `resourceVersion`. Answered with it, as it is now."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class DeleteLease:
    """Delete a Lease, if it still has its `uid` and `resourceVersion`. Answered with `None`."""

    lease: Lease


Request = ListLeases | CreateLease | ReplaceLease | DeleteLease


def freed(lease: Lease) -> ReplaceLease:
    """Set a Lease free."""
    return ReplaceLease(replace(lease, holder=""))


class Failure(Enum):
    """Why a request was not carried out, or may not have been."""

    CONFLICT = "conflict"
    """The Lease exists already, or has changed since."""
    NOT_FOUND = "not found"
    UNKNOWN = "unknown"
    """No answer, or one that does not say. The request may even be carried out later."""


Answer = list[Lease] | Lease | None | Failure


class LeaseError(Exception):
    """A request was refused, or not answered: `Failure.UNKNOWN`. The message says why."""
