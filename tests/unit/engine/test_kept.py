"""What is kept of a source between two polls depends on what there is to say of it, and not on what it holds."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import TYPE_CHECKING, NoReturn

import pytest

from appconfig_operator.api.v1alpha1 import Format
from appconfig_operator.core.errors import ContentError, Reason, StallingError, TransientError
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.policy import Policy
from appconfig_operator.engine import deliver
from appconfig_operator.engine.policy_guard import ForbiddenSession, PolicyGuard
from tests.support.builders import UID, source, spec, target
from tests.unit.support.engine_bench import AWAY, Bench, bench
from tests.unit.support.engine_fakes import World
from tests.unit.support.running import Recorder, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appconfig_operator.engine.scheduler import Scheduler

REFUSED_BYTES = 900_000


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    """Nothing may wait for the collector: of a few large objects it hears late, and of the oldest hardly ever."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Parsed:
    """Stands for a parsed document."""


def refused(size: int = REFUSED_BYTES) -> Content:
    """Give a document that is read to its end before it is refused: one of its keys appears twice."""
    members = ",".join(f'"key-{number:08d}":{10**12 + number}' for number in range(size // 28))
    body = f'{{"a":{{{members}}},"twice":1,"twice":2}}'.encode()
    return Content(body=body, content_type="application/json", version_label="1")


def polled_refused(poller: Bench, times: int) -> None:
    for _ in range(times):
        poller.poll()
        assert poller.result == "InvalidContent"


def yaml_of(*answers: Content) -> Bench:
    return Bench(World(answers=list(answers)), source(spec=spec(target=target(format=Format.YAML))))


def test_a_refused_document_is_not_kept() -> None:
    size = len(refused().body)
    poller = yaml_of(refused())
    tracemalloc.start()
    try:
        polled_refused(poller, 1)  # what is imported or made once, and what Python keeps of objects for others
        before, _ = tracemalloc.get_traced_memory()
        poller.world.answers = [refused()]
        polled_refused(poller, 1)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before > 2 * size, "the document was not even read"
    assert after - before < size // 20


def test_a_thousand_polls_of_a_refused_document_add_nothing() -> None:
    poller = yaml_of(refused())
    polled_refused(poller, 10)
    tracemalloc.start()
    try:
        polled_refused(poller, 10)
        before, _ = tracemalloc.get_traced_memory()
        polled_refused(poller, 1000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000, "more than the 2,000 tuples of a length that Python keeps for others"


def parsed_then_refused(documents: list[weakref.ref[Parsed]]) -> object:
    def render(*_: object) -> NoReturn:
        document = Parsed()
        documents.append(weakref.ref(document))
        raise ContentError(Reason.INVALID_CONTENT, "no")

    return render


@pytest.mark.parametrize("pinned", [None, "sha256:" + 64 * "0"])
def test_nothing_holds_a_document_once_the_poll_is_over(pinned: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    documents: list[weakref.ref[Parsed]] = []
    monkeypatch.setattr(deliver, "render", parsed_then_refused(documents))
    poller = Bench(World(answers=[refused(300)]), source(spec=spec(pinned_digest=pinned)))
    poller.poll()
    assert [document() for document in documents] == [None]


def test_what_is_kept_of_a_refusal_is_said_again_without_growing() -> None:
    poller = yaml_of(refused())
    polled_refused(poller, 3)
    blocked = poller.state.delivery.unwritable
    assert blocked is not None
    assert blocked.__traceback__ is None
    assert blocked.__context__ is None
    assert blocked.__cause__ is None


@pytest.mark.parametrize("error", [AWAY, StallingError(Reason.TARGET_NOT_OWNED, "foreign")])
def test_no_error_of_a_poll_holds_what_the_poll_had_in_hand(
    error: TransientError | StallingError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in a local variable of the frame that its traceback leads to is a circle."""
    documents: list[weakref.ref[Parsed]] = []
    poller = bench(refused(300))

    def plan(*_: object, **__: object) -> NoReturn:
        document = Parsed()
        documents.append(weakref.ref(document))
        raise error.copy()

    monkeypatch.setattr(poller.world, "plan", plan)
    poller.poll()
    assert [document() for document in documents] == [None]


def test_no_error_of_the_status_holds_what_the_poll_had_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    documents: list[weakref.ref[Parsed]] = []
    poller = bench(refused(300))

    def update_status(*_: object, **__: object) -> NoReturn:
        document = Parsed()
        documents.append(weakref.ref(document))
        raise AWAY.copy()

    monkeypatch.setattr(poller.world, "update_status", update_status)
    poller.poll()
    assert [document() for document in documents] == [None]


def test_what_stands_for_a_forbidden_session_keeps_no_traceback() -> None:
    session = PolicyGuard(World(), Policy(())).session(source())
    assert isinstance(session, ForbiddenSession)
    assert session.error.__traceback__ is None


def test_an_idle_worker_holds_nothing_of_its_last_poll(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder()
    scheduler = start(recorder, workers=1)
    scheduler.put(source())
    eventually(lambda: recorder.count(UID) == 1)
    (state,) = scheduler.states()
    assert state.poll_state is not None
    session = weakref.ref(state.poll_state.fetch.session)
    del state
    scheduler.remove(UID)
    eventually(lambda: session() is None)
