"""A heap whose items can be cancelled where they are."""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, Protocol, TypeVar

SPARE = 64
"""Cancelled items that a heap may hold in any case."""


class Cancellable(Protocol):
    """An item that may become void while it is in a heap."""

    @property
    def cancelled(self) -> bool:
        """Whether the item is void."""


T = TypeVar("T", bound=Cancellable)


class LazyHeap(Generic[T]):
    """A heap with lazy deletion. Items of the same rank come in the order in which they were pushed.

    Cancelling an item costs nothing: the heap skips cancelled items, and removes them all when more than half of its
    items may be cancelled. So `push` and `pop` take O(log n), on average. Not safe to share between threads.
    """

    def __init__(self) -> None:
        self._items: list[tuple[float, int, T]] = []
        self._numbers = itertools.count()
        self._limit = SPARE

    def __len__(self) -> int:
        """Return how many items there are, cancelled ones among them."""
        return len(self._items)

    @property
    def rank(self) -> float | None:
        """The rank of the first item, or `None` if there is none."""
        while self._items and self._items[0][2].cancelled:
            heapq.heappop(self._items)
        return self._items[0][0] if self._items else None

    def push(self, rank: float, item: T) -> None:
        """Add an item."""
        if len(self._items) >= self._limit:
            self._items = [pushed for pushed in self._items if not pushed[2].cancelled]
            heapq.heapify(self._items)
            self._limit = 2 * len(self._items) + SPARE
        heapq.heappush(self._items, (rank, next(self._numbers), item))

    def pop(self, up_to: float = float("inf")) -> T | None:
        """Remove the first item and return it, or `None` if there is none up to this rank."""
        rank = self.rank
        return None if rank is None or rank > up_to else heapq.heappop(self._items)[2]
