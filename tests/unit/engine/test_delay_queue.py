"""Items come when they are due, whoever waits for them, and wake no more threads than they need."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.engine import delay_queue
from appconfig_operator.engine.delay_queue import DelayQueue
from tests.unit.support.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

LONG = 1e6


@dataclass(eq=False)
class Item:
    due: float
    cancelled: bool = False


@dataclass
class FirstDue:
    """Hands out what was due first, unless it is shut."""

    items: deque[Item] = field(default_factory=deque)
    shut: bool = False
    opens: float | None = None

    def put(self, item: Item) -> None:
        self.items.append(item)

    def get(self, now: float) -> Item | None:
        if self.opens is not None and now >= self.opens:
            self.shut, self.opens = False, None
        return self.items.popleft() if self.items and not self.shut else None

    def delay(self, now: float) -> float | None:
        return None if self.opens is None else self.opens - now


class Shared:
    """A queue, its lock, and threads that wait for items."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self.lock = threading.Lock()
        self.ready = FirstDue()
        self.queue = DelayQueue(self.ready, self.lock, monotonic)
        self.threads = ThreadPoolExecutor(8)

    def put(self, delay: float) -> Item:
        item = Item(self.monotonic() + delay)
        with self.lock:
            self.queue.put(item)
        return item

    def get(self) -> Item | None:
        with self.lock:
            return self.queue.get()

    def start(self) -> Future[Item | None]:
        return self.threads.submit(self.get)

    def led(self, followers: int = 0) -> bool:
        """Return whether a leader waits, and so many followers."""
        waiting = [len(each._waiters) for each in (self.queue._available, self.queue._leaderless)]  # type: ignore[attr-defined]
        return waiting == [1, followers]


@pytest.fixture
def shared() -> Iterator[Shared]:
    """A queue that is closed at the end."""
    made = Shared()
    yield made
    with made.lock:
        made.queue.close()
    made.threads.shutdown()


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def by_hand(now: list[float]) -> Shared:
    """A queue with a clock of our own."""
    return Shared(lambda: now[0])


def test_items_come_in_the_order_in_which_they_are_due(by_hand: Shared, now: list[float]) -> None:
    later, sooner, last = by_hand.put(5.0), by_hand.put(3.0), by_hand.put(5.0)
    assert by_hand.queue.get_nowait() is None
    assert by_hand.queue.delay() == 3.0
    now[0] += 5.0
    assert by_hand.queue.delay() == 0.0
    assert [by_hand.queue.get_nowait() for _ in range(4)] == [sooner, later, last, None]
    assert by_hand.queue.delay() is None


def test_nobody_gets_a_cancelled_item(by_hand: Shared, now: list[float]) -> None:
    cancelled, item = by_hand.put(1.0), by_hand.put(2.0)
    cancelled.cancelled = True
    assert by_hand.queue.delay() == 2.0
    now[0] += 2.0
    assert [by_hand.queue.get_nowait(), by_hand.queue.get_nowait()] == [item, None]


def test_what_is_due_waits_until_the_ready_queue_gives_it(by_hand: Shared, now: list[float]) -> None:
    item = by_hand.put(1.0)
    by_hand.put(LONG)
    by_hand.ready.shut, by_hand.ready.opens = True, now[0] + 3.0
    now[0] += 1.0
    assert by_hand.queue.get_nowait() is None
    assert by_hand.queue.delay() == 2.0
    now[0] += 2.0
    assert by_hand.queue.get_nowait() is item


def test_a_thread_waits_until_an_item_is_due(shared: Shared) -> None:
    item = shared.put(0.1)
    assert shared.get() is item
    assert time.monotonic() >= item.due


def test_an_item_that_is_due_sooner_is_not_missed(shared: Shared) -> None:
    shared.put(LONG)
    got = shared.start()
    eventually(shared.led)
    item = shared.put(0.01)
    assert got.result(3) is item, "before the next heartbeat"


def test_an_item_wakes_one_thread_and_another_one_leads(shared: Shared) -> None:
    got = [shared.start() for _ in range(4)]
    eventually(lambda: shared.led(followers=3))
    item = shared.put(0.0)
    eventually(lambda: shared.led(followers=2))
    assert [each.result() for each in got if each.done()] == [item]


def test_a_leader_that_is_woken_looks_again(shared: Shared) -> None:
    shared.ready.shut = True
    item = shared.put(0.0)
    got = shared.start()
    eventually(shared.led)
    with shared.lock:
        shared.ready.shut = False
        shared.queue.wake()
    assert got.result(3) is item


def test_a_leader_waits_no_longer_than_the_ready_queue_says(shared: Shared) -> None:
    shared.ready.shut, shared.ready.opens = True, time.monotonic() + 0.1
    item = shared.put(0.0)
    assert shared.start().result(3) is item


def test_many_threads_get_each_item_once(shared: Shared) -> None:
    items = [shared.put(0.01 * (number % 7)) for number in range(200)]
    got = [shared.start() for _ in items]
    assert {id(each.result(10)) for each in got} == {id(item) for item in items}


def test_close_lets_all_threads_go_and_hands_out_nothing_more(shared: Shared) -> None:
    got = [shared.start() for _ in range(4)]
    eventually(lambda: shared.led(followers=3))
    with shared.lock:
        shared.queue.close()
    assert [each.result(3) for each in got] == [None] * 4
    shared.put(0.0)
    assert shared.get() is None


def test_a_leader_that_raises_is_followed_by_another(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shared.ready, "get", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shared.get()
    item = shared.put(0.0)
    assert shared.get() is item


def test_the_leader_shows_that_it_lives(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delay_queue, "HEARTBEAT_SECONDS", 0.02)
    before = time.monotonic()
    shared.start()
    eventually(lambda: time.monotonic() - before > 0.2)
    assert shared.queue.age() < 0.2


def test_without_a_thread_that_waits_it_shows_no_life(by_hand: Shared, now: list[float]) -> None:
    now[0] += 7.0
    assert by_hand.queue.age() == 7.0
    by_hand.queue.get_nowait()
    assert by_hand.queue.age() == 0.0
