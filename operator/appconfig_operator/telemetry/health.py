"""Whether this process is well, judged by the age of its signs of life.

Two questions, as Kubernetes asks them. `stuck`: would a restart help? `unready`: does it do its work now? While the API
server is away the answers differ: no restart would help, and sessions with AppConfig would be lost in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEDULER_STUCK_SECONDS = 120.0
"""When AWS hangs, one call takes up to 45 s: 3 to connect, 10 until it answers, 30 for the body. All workers can be
busy with one and are well. That none of them comes back for more within 120 s is not meant to happen."""

SHARDS_STUCK_SECONDS = 120.0
"""The loop calls the API server, which takes up to 13 s a call, and goes around every few seconds. After 120 s even
several such calls in a row are over, and the Leases of the default duration have long gone to others."""

LAPSED_SECONDS = 30.0
"""An API server that is restarted, or replaced by another one behind a load balancer, is back within this time."""


def stuck(*, scheduler: float, shards: float) -> list[str]:
    """Say what has stopped and would not go on by itself.

    Parameters
    ----------
    scheduler
        Seconds since a worker last came to look for a source that is due.
    shards
        Seconds since the loop that looks after the Leases last went around.

    Returns
    -------
    list of str
        A line for each complaint. Empty: all is well.
    """
    complaints = []
    if scheduler > SCHEDULER_STUCK_SECONDS:
        complaints.append(f"the scheduler has given no sign of life for {scheduler:.0f} s")
    if shards > SHARDS_STUCK_SECONDS:
        complaints.append(f"the loop of the shards has given no sign of life for {shards:.0f} s")
    return complaints


def unready(  # noqa: PLR0913 (all that can be wrong, by name)
    *, listed: bool, joined: bool, failing: float, lapsed: float, trouble: str, missing: Sequence[str] = ()
) -> list[str]:
    """Say what keeps this process from its work.

    Parameters
    ----------
    listed
        Whether the API server has listed the sources, at least once.
    joined
        Whether this replica is among the Leases, for all to see. Without it, it would never get a shard.
    failing
        For how many seconds Leases could not be listed, or not be written.
    lapsed
        For how many seconds a Lease that is held has been past its end, the longest of them. 0: none has.
    trouble
        What came of the last request for a Lease when it failed, with the namespace and the right, or empty.
    missing
        A line for each right that is refused wherever it is asked for, without which no source is served.

    Returns
    -------
    list of str
        A line for each complaint. Empty: it does its work, or stands by for it.

    Notes
    -----
    Whether it holds a shard does not matter: which replica has one is decided when all are there.
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
