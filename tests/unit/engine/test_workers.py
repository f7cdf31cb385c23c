"""Threads come when all wait, and no more than that."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING

from appconfig_operator.engine.slots import SLOW_FACTOR, threads
from tests.support.builders import source
from tests.unit.support.running import NEVER, Recorder, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from appconfig_operator.api.v1alpha1 import Source
    from tests.unit.support.running import Running


def test_polls_that_hang_do_not_stop_those_of_others(run: Callable[..., Running]) -> None:
    released = threading.Event()

    def delay(polled: Source) -> float:
        if polled.namespace == "sick":
            assert released.wait(30)
        return NEVER

    recorder = Recorder(delay)
    running = run(recorder, 2)
    running.scheduler.start(0, running.guard, {})
    for number in range(50):
        running.scheduler.put(source(uid=f"sick-{number}", namespace="sick"))
    try:
        for number in range(10):
            running.scheduler.put(source(uid=f"well-{number}"))
        eventually(lambda: all(recorder.count(f"well-{number}") for number in range(10)))
        assert 2 <= recorder.running <= 2 * (1 + SLOW_FACTOR)
        assert len(running.workers._threads) <= threads(2)
    finally:
        released.set()


def test_few_threads_do_when_polls_are_quick(run: Callable[..., Running]) -> None:
    recorder = Recorder(lambda _: 0.001)
    running = run(recorder, 3)
    running.scheduler.start(0, running.guard, {})
    for number in range(50):
        running.scheduler.put(source(uid=f"u{number}"))
    eventually(lambda: len(recorder.polled) > 1000)
    assert len(running.workers._threads) <= threads(3) // 2


def test_a_thread_that_waits_holds_nothing_of_its_last_poll(run: Callable[..., Running]) -> None:
    recorder = Recorder()
    running = run(recorder, 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    eventually(lambda: recorder.polled)
    memory = running.scheduler.states()[0].poll_state
    assert memory is not None
    session = weakref.ref(memory.fetch.session)
    del memory
    running.scheduler.remove(source().uid)

    def freed() -> bool:
        gc.collect()
        return session() is None

    eventually(freed)


def test_a_machine_without_more_threads_ends_none(run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(lambda _: 0.001)
    running = run(recorder, 3)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    eventually(lambda: len(recorder.polled) > 20)
    assert len(running.workers._threads) == 1
