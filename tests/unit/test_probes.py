"""Probes, asked over HTTP as the kubelet does."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.health import stuck
from appconfig_operator.probes import LIVE, READY, Heartbeat, pages
from appconfig_operator.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


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


def test_heartbeat() -> None:
    clock = Clock()
    heartbeat = Heartbeat(clock)
    clock.now += 5
    assert heartbeat.age() == 5
    heartbeat.beat()
    clock.now += 2
    assert heartbeat.age() == 2


class Loop:
    """A loop that beats and then does what it is given. `begun` is set once something is under way."""

    def __init__(self, clock: Clock) -> None:
        self.heartbeat = Heartbeat(clock)
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self._work: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.rounds: queue.SimpleQueue[bool] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            hangs = self._work.get()
            self.heartbeat.beat()
            self.rounds.put(hangs)
            if hangs:
                self.begun.set()
                self.go_on.wait(60)

    def round(self, *, hangs: bool = False) -> None:
        """Let it go around once, up to its beat."""
        self._work.put(hangs)
        self.rounds.get(timeout=10)


def test_a_loop_that_is_stuck() -> None:
    """A real thread that hangs is told after 120 s, not sooner, and no more when it goes on."""
    clock = Clock()
    loop, other = Loop(clock), Heartbeat(clock)

    def health() -> list[str]:
        return stuck(scheduler=loop.heartbeat.age(), shards=other.age())

    server = Server(pages(health=health, ready=list), flag="--health-port", port=0, everywhere=False)
    try:
        loop.round()
        loop.round(hangs=True)
        assert loop.begun.wait(10)
        clock.now += 100
        assert ask(server, LIVE) == (200, "ok\n")
        clock.now += 30
        other.beat()
        assert ask(server, LIVE) == (500, "the scheduler has given no sign of life for 130 s\n")
        assert ask(server, READY) == (200, "ok\n")
        loop.go_on.set()
        loop.round()
        assert ask(server, LIVE) == (200, "ok\n")
    finally:
        server.stop()
