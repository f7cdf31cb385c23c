"""A heap whose items can be cancelled where they are."""

from __future__ import annotations

import random
from dataclasses import dataclass

from appconfig_operator.engine.lazy_heap import SPARE, LazyHeap


@dataclass
class Item:
    rank: float
    cancelled: bool = False


def test_items_come_by_rank_and_equal_ones_in_order() -> None:
    heap: LazyHeap[Item] = LazyHeap()
    items = [Item(2.0), Item(1.0), Item(2.0), Item(0.0)]
    for item in items:
        heap.push(item.rank, item)
    assert heap.rank == 0.0
    assert heap.pop(up_to=-1.0) is None
    assert [heap.pop() for _ in items] == [items[3], items[1], items[0], items[2]]
    assert heap.rank is None
    assert heap.pop() is None


def test_cancelled_items_are_skipped() -> None:
    heap: LazyHeap[Item] = LazyHeap()
    items = [Item(float(rank)) for rank in range(4)]
    for item in items:
        heap.push(item.rank, item)
    items[0].cancelled = items[2].cancelled = True
    assert heap.rank == 1.0
    assert [heap.pop(), heap.pop(), heap.pop()] == [items[1], items[3], None]


class Counting:
    """Counts how often somebody asks whether it is cancelled."""

    asked = 0

    @property
    def cancelled(self) -> bool:
        Counting.asked += 1
        return False


def test_to_look_for_cancelled_items_costs_little() -> None:
    heap: LazyHeap[Counting] = LazyHeap()
    for _ in range(10_000):
        heap.push(0.0, Counting())
    assert Counting.asked <= 20_000


def test_cancelled_items_do_not_pile_up_and_others_stay() -> None:
    heap: LazyHeap[Item] = LazyHeap()
    kept = [Item(random.Random(number).random()) for number in range(100)]
    for item in kept:
        heap.push(item.rank, item)
        for _ in range(100):
            cancelled = Item(2.0)
            heap.push(cancelled.rank, cancelled)
            cancelled.cancelled = True
    assert len(heap) <= 2 * len(kept) + SPARE
    assert [heap.pop() for _ in kept] == sorted(kept, key=lambda item: item.rank)
    assert heap.pop() is None
