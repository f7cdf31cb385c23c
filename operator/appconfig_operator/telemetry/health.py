"""Whether this process is healthy, judged by the age of its heartbeats.

There are two questions, as in Kubernetes. `stuck`: would a restart help? `unready`: can it do its work now? While the
API server is unavailable, the answers differ: a restart would not help, and would lose sessions with AppConfig.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEDULER_STUCK_SECONDS = 120.0
"""If AWS hangs, a call takes up to 45 s: 3 to connect, 10 until it answers, 30 for the body. All workers can be busy
with such calls and still be healthy. But if none of them returns within 120 s, something is wrong."""

SHARDS_STUCK_SECONDS = 120.0
"""The loop runs every few seconds, and calls the API server, which takes up to 13 s per call. After 120 s, even several
such calls in a row have ended, and Leases with the default duration have long been acquired by others."""

LAPSED_SECONDS = 30.0
"""An API server that is restarted, or replaced behind a load balancer, is back within this time."""


def stuck(*, scheduler: float, shards: float) -> list[str]:
    """Return what has stopped and would not continue on its own.

    Parameters
    ----------
    scheduler
        Seconds since a worker last looked for a source that is due.
    shards
        Seconds since the last round of the loop that maintains the Leases.

    Returns
    -------
    list of str
        One line per problem. Empty: healthy.
    """
    complaints = []
    if scheduler > SCHEDULER_STUCK_SECONDS:
        complaints.append(f"the scheduler has had no heartbeat for {scheduler:.0f} s")
    if shards > SHARDS_STUCK_SECONDS:
        complaints.append(f"the loop of the shards has had no heartbeat for {shards:.0f} s")
    return complaints


def unready(  # noqa: PLR0913 (all that can be wrong, by name)
    *, listed: bool, joined: bool, failing: float, lapsed: float, trouble: str, missing: Sequence[str] = ()
) -> list[str]:
    """Return what prevents this process from doing its work.

    Parameters
    ----------
    listed
        Whether the API server has listed the sources at least once.
    joined
        Whether this replica's member Lease is visible. Without it, the replica would never get a shard.
    failing
        Number of seconds for which Leases could not be listed, or could not be written.
    lapsed
        Number of seconds since the first of the held Leases lapsed. 0: none has.
    trouble
        How the last request for a Lease failed, with the namespace and the permission, or empty.
    missing
        A line for each permission that is denied wherever it is needed, and without which no source is served.

    Returns
    -------
    list of str
        One line per problem. Empty: the process does its work, or is on standby.

    Notes
    -----
    Whether it holds a shard does not matter: the replicas decide who has which shard once all of them are present.
    """
    complaints = []
    if not listed:
        complaints.append("the Kubernetes API server has not listed the sources yet")
    why = f": {trouble}" if trouble else ""
    if not joined:
        complaints.append(f"this replica has not written its Lease and seen it in the list of Leases yet{why}")
    elif failing > LAPSED_SECONDS:
        complaints.append(f"Leases could not be listed or written for {failing:.0f} s{why}")
    if lapsed > LAPSED_SECONDS:
        complaints.append(f"the Lease of a shard could not be renewed and lapsed {lapsed:.0f} s ago")
    return [*complaints, *missing]
