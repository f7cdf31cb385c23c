from __future__ import annotations

import random
from collections import Counter

import pytest

from appconfig_operator.core.sharding.assignment import assign, shard_of


def names(number: int, seed: int = 0) -> list[str]:
    dice = random.Random(seed)
    return [f"op-{dice.getrandbits(32):08x}" for _ in range(number)]


def test_the_shard_of_a_source_is_the_same_in_every_process_and_release() -> None:
    uid = "0b7f1a52-3a2c-4f0e-9a57-4f5a2f4f0a11"
    assert [shard_of(uid, shards) for shards in (1, 4, 64)] == [0, 1, 1]


def test_sources_spread_evenly() -> None:
    dice = random.Random(1)
    counts = Counter(shard_of(f"{dice.getrandbits(128):032x}", 8) for _ in range(8000))
    assert set(counts) == set(range(8))
    assert max(counts.values()) - min(counts.values()) < 200


@pytest.mark.parametrize("shards", [1, 2, 5, 8, 64])
@pytest.mark.parametrize("number", [1, 2, 3, 7, 80])
def test_every_shard_has_an_owner_and_shares_differ_by_one_at_most(shards: int, number: int) -> None:
    members = names(number)
    owners = assign(shards, members)
    counts = Counter(owners.values())
    assert sorted(owners) == list(range(shards))
    assert max(counts.values()) - min(counts[member] for member in members) <= 1


def test_the_order_of_the_members_does_not_matter() -> None:
    members = names(5)
    assert assign(16, members) == assign(16, members[::-1]) == assign(16, set(members))


def test_without_members_nothing_is_assigned() -> None:
    assert assign(4, []) == {}


@pytest.mark.parametrize("shards", [4, 16, 64])
@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_a_member_that_comes_or_goes_moves_little_more_than_its_share(shards: int, number: int) -> None:
    """A new share for each, dealt without a look at the old one, would move most of them."""
    more = least = 0
    for seed in range(50):
        *members, new = names(number + 1, seed)
        before, after = assign(shards, members), assign(shards, [*members, new])
        moved = sum(before[shard] != after[shard] for shard in before)
        share = Counter(after.values())[new]
        assert moved >= share
        assert moved - share <= shards // 2
        more, least = more + moved, least + share
    assert more <= 1.75 * least
