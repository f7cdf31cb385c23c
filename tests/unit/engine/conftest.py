"""Schedulers that end with the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.support.running import Recorder, Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appconfig_operator.engine.scheduler import Scheduler


@pytest.fixture
def run() -> Iterator[Callable[..., Running]]:
    """Starts schedulers, and stops them at the end."""
    started: list[Running] = []

    def begin(recorder: Recorder, workers: int = 4, shards: int = 1) -> Running:
        running = Running(recorder, workers, shards)
        running.workers.start()
        started.append(running)
        return running

    yield begin
    for running in started:
        running.guard.seconds = 10.0
        assert running.stop(10)


@pytest.fixture
def start(run: Callable[..., Running]) -> Callable[..., Scheduler]:
    """Starts schedulers that hold all that there is."""

    def begin(recorder: Recorder, workers: int = 4) -> Scheduler:
        running = run(recorder, workers)
        running.scheduler.start(0, running.guard, {})
        return running.scheduler

    return begin
