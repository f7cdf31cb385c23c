"""Probes, asked over HTTP as the kubelet does."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.telemetry.health import stuck
from appconfig_operator.telemetry.http_server import Server
from appconfig_operator.telemetry.probes import LIVE, READY, pages
from tests.support.builders import source
from tests.support.clock import Clock
from tests.unit.support.running import Gate, Recorder, Running, eventually
from tests.unit.support.shards_bench import CoordinatorBench

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def serving(health: list[str], ready: list[str]) -> Iterator[Server]:
    server = Server(pages(health=lambda: health, ready=lambda: ready), flag="--health-port", port=0, everywhere=False)
    yield server
    server.stop()


def ask(server: Server, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(("path", "status"), [(LIVE, 500), (READY, 503)])
def test_complaints(path: str, status: int) -> None:
    wrong: list[str] = []
    other: list[str] = []
    with serving(*((wrong, other) if path == LIVE else (other, wrong))) as server:
        assert ask(server, path) == (200, "ok\n")
        wrong += ["one thing", "another"]
        assert ask(server, path) == (status, "one thing\nanother\n")
        assert ask(server, READY if path == LIVE else LIVE) == (200, "ok\n")
        wrong.clear()
        assert ask(server, path) == (200, "ok\n")


@pytest.mark.parametrize(("path", "name", "level"), [(LIVE, "Health", "ERROR"), (READY, "Readiness", "INFO")])
def test_log(path: str, name: str, level: str, caplog: pytest.LogCaptureFixture) -> None:
    """A line when it turns, not one for each probe."""
    caplog.set_level(logging.INFO)
    wrong: list[str] = []
    with serving(wrong, wrong) as server:
        ask(server, path)
        wrong.append("one thing")
        ask(server, path)
        wrong.append("another")
        ask(server, path)
        wrong.clear()
        ask(server, path)
        ask(server, path)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        (level, f"{name}: one thing"),
        ("INFO", f"{name}: ok again"),
    ]


def test_workers_that_are_all_stuck() -> None:
    """Reported after 120 s, not sooner, and no more when they go on."""
    clock, gate = Clock(), Gate()
    running = Running(Recorder(gate), count=2, monotonic=clock)
    shards = CoordinatorBench().view
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source(uid="a"))
    running.scheduler.put(source(uid="b"))
    running.workers.start()
    server = Server(
        pages(health=lambda: stuck(scheduler=running.scheduler.age(), shards=shards.age), ready=list),
        flag="--health-port",
        port=0,
        everywhere=False,
    )
    try:
        gate.wait_entered()
        gate.wait_entered()
        clock.now += 120
        assert ask(server, LIVE) == (200, "ok\n")
        clock.now += 1
        assert ask(server, LIVE) == (500, "the scheduler has had no heartbeat for 121 s\n")
        assert ask(server, READY) == (200, "ok\n")
        gate.opened.set()
        eventually(lambda: ask(server, LIVE) == (200, "ok\n"))
    finally:
        gate.opened.set()
        assert running.stop(10)
        server.stop()


def test_a_loop_of_the_shards_that_is_stuck() -> None:
    """A real turn of it that hangs in a call."""
    bench, entered, go_on = CoordinatorBench(), threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        assert go_on.wait(30)

    bench.runner.on_begin = hang
    health = pages(health=lambda: stuck(scheduler=0, shards=bench.view.age), ready=list)
    server = Server(health, flag="--health-port", port=0, everywhere=False)
    loop = threading.Thread(target=bench.run, args=(0,), daemon=True)
    try:
        loop.start()
        assert entered.wait(10)
        bench.now += 121
        assert ask(server, LIVE) == (500, "the loop of the shards has had no heartbeat for 121 s\n")
        go_on.set()
        loop.join(10)
        bench.shards.run_once()
        assert ask(server, LIVE) == (200, "ok\n")
    finally:
        go_on.set()
        server.stop()
