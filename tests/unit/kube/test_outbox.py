"""Events wait while there is something more urgent to do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube import outbox as module
from appconfig_operator.kube.events import Events
from appconfig_operator.kube.fence import Fence
from appconfig_operator.kube.outbox import Outbox
from sandbox import wait_until
from tests.support.builders import source
from tests.unit.support.engine_fakes import FakeLeaseGuard

if TYPE_CHECKING:
    from collections.abc import Callable


class GatedApi:
    """An API server that keeps what it gets, one call at a time as long as it is open."""

    def __init__(self, fence: Fence) -> None:
        self.fence = fence
        self.notes: list[str] = []
        self.guards: list[Any] = []
        self.errors: list[Exception] = []
        self.open = threading.Event()
        self.open.set()
        self.called = threading.Semaphore(0)

    def call(self, _method: str, _path: str, *, body: dict[str, Any]) -> dict[str, Any]:
        self.called.release()
        assert self.open.wait(10)
        if self.errors:
            raise self.errors.pop(0)
        self.guards.append(self.fence.guard())
        self.notes.append(body["note"])
        return {}


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.fixture
def api(fence: Fence) -> GatedApi:
    return GatedApi(fence)


@pytest.fixture
def make(api: GatedApi, fence: Fence) -> Callable[..., Outbox]:
    def make(*, busy: bool = False) -> Outbox:
        events = Events(api, instance="pod")  # type: ignore[arg-type]
        return Outbox(events, fence, busy=lambda: busy)

    return make


def emit(outbox: Outbox, *notes: str) -> None:
    for note in notes:
        outbox.emit(source(), kind="Normal", reason="Synced", note=note)


def test_events_are_written_in_their_order(make: Callable[..., Outbox], api: GatedApi) -> None:
    outbox = make()
    emit(outbox, "a", "b")
    assert api.notes == [], "nobody has to wait for them"
    outbox.start()
    emit(outbox, "c")
    wait_until(lambda: api.notes == ["a", "b", "c"], 10, "Events")


def test_they_are_written_slowly_while_there_is_something_more_urgent(
    make: Callable[..., Outbox], api: GatedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 1000.0)
    outbox = make(busy=True)
    emit(outbox, "a", "b")
    outbox.start()
    wait_until(lambda: api.notes, 10, "an Event")
    assert api.notes == ["a"]
    assert outbox.stop(10)
    assert api.notes == ["a", "b"], "at the end, nothing is more urgent"


def test_the_stop_waits_for_what_is_being_written_but_not_forever(make: Callable[..., Outbox], api: GatedApi) -> None:
    outbox = make()
    outbox.start()
    api.open.clear()
    emit(outbox, "a")
    assert api.called.acquire(timeout=10)
    assert not outbox.stop(0.05)
    api.open.set()
    assert outbox.stop(10)
    assert api.notes == ["a"]


def test_the_oldest_give_way(
    make: Callable[..., Outbox], api: GatedApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LIMIT", 2)
    outbox = make()
    emit(outbox, "a", "b", "c", "d")
    outbox.start()
    assert outbox.stop(10)
    assert api.notes == ["c", "d"]
    assert "2 Events were not written" in caplog.text


def test_an_event_is_written_under_the_lease_under_which_it_arose(
    make: Callable[..., Outbox], api: GatedApi, fence: Fence
) -> None:
    outbox, guard = make(), FakeLeaseGuard()
    with fence.under(guard):
        emit(outbox, "a")
    emit(outbox, "b")
    outbox.start()
    assert outbox.stop(10)
    assert api.guards == [guard, None]


def test_no_error_is_the_last_of_the_events(
    make: Callable[..., Outbox], api: GatedApi, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = make()
    api.errors = [ValueError("hunter2"), KeyError("hunter2")]
    emit(outbox, "a", "b", "c")
    outbox.start()
    assert outbox.stop(10)
    assert api.notes == ["c"]
    assert [record.getMessage() for record in caplog.records] == [
        "Event Synced not written: ValueError",
        "Event Synced not written: KeyError",
    ]
    assert "hunter2" not in caplog.text


def test_events_are_written_slowly_while_it_is_unknown_what_is_urgent(
    api: GatedApi, fence: Fence, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def busy() -> bool:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    outbox = Outbox(Events(api, instance="pod"), fence, busy=busy)  # type: ignore[arg-type]
    emit(outbox, "a", "b", "c")
    outbox.start()
    wait_until(lambda: api.notes == ["a", "b", "c"], 10, "Events")
    assert outbox.stop(10)
    assert [record.getMessage() for record in caplog.records] == [
        "Events are written slowly: cannot determine whether anything is more urgent (RuntimeError)"
    ]


def test_events_of_a_lease_that_lapsed_are_dropped_in_one_line(
    make: Callable[..., Outbox], api: GatedApi, fence: Fence, caplog: pytest.LogCaptureFixture
) -> None:
    outbox, lapsed, held = make(), FakeLeaseGuard(), FakeLeaseGuard()
    with fence.under(lapsed):
        emit(outbox, "a", "b", "c")
    with fence.under(held):
        emit(outbox, "d")
    with fence.under(lapsed):
        emit(outbox, "e", "f")
    lapsed.seconds = 0.0
    outbox.start()
    assert outbox.stop(10)
    assert api.notes == ["d"]
    assert [record.getMessage() for record in caplog.records] == [
        "3 Events were not written: their Lease has lapsed",
        "2 Events were not written: their Lease has lapsed",
    ]


def test_a_namespace_with_many_or_slow_events_delays_no_other(
    make: Callable[..., Outbox], api: GatedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = make()
    released = threading.Event()
    call = api.call

    def slow(method: str, path: str, *, body: dict[str, Any]) -> dict[str, Any]:
        if body["metadata"]["namespace"] == "slow":
            assert released.wait(10)
        return call(method, path, body=body)

    monkeypatch.setattr(api, "call", slow)
    for number in range(100):
        outbox.emit(source(namespace="slow"), kind="Normal", reason="Synced", note=f"slow {number}")
    emit(outbox, "a", "b")
    outbox.start()
    try:
        wait_until(lambda: api.notes == ["a", "b"], 10, "the Events of others")
    finally:
        released.set()
    assert outbox.stop(10)
    assert api.notes[2:] == [f"slow {number}" for number in range(100)], "in their order"
