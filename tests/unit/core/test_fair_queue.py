"""Namespaces are served in turn."""

from __future__ import annotations

from appconfig_operator.core.fair_queue import FairQueue


def taken(queue: FairQueue[int]) -> list[tuple[str, int]]:
    """Take all, one at a time."""
    found = []
    while queue.ready():
        namespace, item = queue.take()
        found.append((namespace, item))
        queue.done(namespace)
    return found


def test_one_of_each_in_turn_and_those_of_one_in_their_order() -> None:
    queue: FairQueue[int] = FairQueue(10)
    for number in range(3):
        queue.put("many", number)
    queue.put("few", 7)
    assert taken(queue) == [("many", 0), ("few", 7), ("many", 1), ("many", 2)]
    assert queue.idle


def test_no_second_one_while_one_is_taken() -> None:
    queue: FairQueue[int] = FairQueue(10)
    queue.put("one", 1)
    queue.put("one", 2)
    assert queue.take() == ("one", 1)
    assert not queue.ready()
    queue.put("other", 3)
    assert queue.take() == ("other", 3)
    queue.done("one")
    assert queue.take() == ("one", 2)
    assert not queue.idle


def test_the_namespace_with_most_items_loses_one() -> None:
    queue: FairQueue[int] = FairQueue(4)
    queue.put("few", 0)
    assert [queue.put("many", number) for number in range(6)] == [0, 0, 0, 1, 1, 1]
    assert len(queue) == 4
    assert taken(queue) == [("few", 0), ("many", 3), ("many", 4), ("many", 5)]
