"""Which source is in which shard, and which replica should have which shard.

All replicas get the same answer from the same list of members, so they need not agree first.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Collection


def shard_of(uid: str, shards: int) -> int:
    """Return the shard of a source, from 0.

    Parameters
    ----------
    uid
        `metadata.uid` of the source.
    shards
        How many shards there are, at least 1. A different number moves most sources.
    """
    return crc32(uid.encode()) % shards


def assign(shards: int, members: Collection[str]) -> dict[int, str]:
    """Assign the shards by rendezvous hashing, evenly: shares differ by at most one.

    Each pair of a shard and a member has a score, and the highest scores go first, as long as the member has room. So a
    member that comes or goes moves little more than its own share. It is not the smallest possible move: that takes
    the previous assignment, which a replica that starts does not know.

    Parameters
    ----------
    shards
        How many shards there are.
    members
        The identities of the replicas. With none, nothing is assigned.

    Returns
    -------
    dict[int, str]
        The member that should have each shard.
    """
    if not members:
        return {}
    share, larger = divmod(shards, len(members))  # so many members have one more than their share
    pairs = sorted((_score(shard, member), member, shard) for shard in range(shards) for member in members)
    owners: dict[int, str] = {}
    held = dict.fromkeys(members, 0)
    for _, member, shard in reversed(pairs):
        if shard in owners or held[member] > share or (held[member] == share and not larger):
            continue
        if held[member] == share:
            larger -= 1
        owners[shard] = member
        held[member] += 1
    return owners


def _score(shard: int, member: str) -> bytes:
    return blake2b(f"{shard} {member}".encode(), digest_size=8).digest()
