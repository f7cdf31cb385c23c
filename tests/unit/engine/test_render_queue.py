"""Large documents one at a time and in order, small ones past them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from appconfig_operator.core.errors import ContentError
from appconfig_operator.engine import deliver, render_queue
from appconfig_operator.engine.render_queue import SMALL_BYTES, RenderQueue, large
from tests.support.builders import content, source, spec
from tests.unit.support.engine_bench import Bench, bench
from tests.unit.support.engine_fakes import World
from tests.unit.support.running import eventually

LARGE = content(b"x" * (SMALL_BYTES + 1))
SMALL = content(b"x" * SMALL_BYTES)


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (SMALL.body, "application/json", False),
        (LARGE.body, "application/json", True),
        (b"a: &a x\nb: *a\n", "application/yaml", True),
        (b"a: &a x\n", "application/yaml", False),
        (b"a: 1 * 2\n", "application/yaml", False),
        (b'{"a": "&*"}', "application/json", False),
    ],
)
def test_what_is_large(body: bytes, content_type: str, *, expected: bool) -> None:
    assert large(content(body, content_type=content_type)) is expected


def test_what_is_large_goes_by_the_content_type_of_the_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(render_queue, "large", lambda read: bool(seen.append(read.content_type)))  # type: ignore[func-returns-value]
    received = content(b"a: &a x\nb: *a\n", content_type="application/octet-stream")
    it = Bench(World(answers=[received]), source=source(spec=spec(content_type="text/yaml")))
    it.poll()
    assert seen == ["text/yaml"]
    assert it.ready == ("True", "Synced")


def test_large_ones_go_one_at_a_time_and_in_order() -> None:
    queue, order, inside = RenderQueue(), list[int](), list[int]()
    first, go_on = threading.Event(), threading.Event()

    def pass_through(number: int) -> None:
        with queue.turn(LARGE, "shop"):
            inside.append(number)
            assert len(inside) == 1
            order.append(number)
            first.set()
            assert go_on.wait(10)
            inside.remove(number)

    with ThreadPoolExecutor(5) as threads:
        running = []
        for number in range(5):
            running.append(threads.submit(pass_through, number))
            assert first.wait(10)
            eventually(lambda waiting=number: len(queue._waiting) == waiting)  # type: ignore[misc]
        go_on.set()
        for each in running:
            each.result(10)
    assert order == list(range(5))
    assert not queue._busy


def test_small_ones_wait_for_nobody() -> None:
    queue = RenderQueue()
    with queue.turn(LARGE, "shop"), queue.turn(SMALL, "shop"):
        pass


def test_the_queue_is_free_again_after_an_error() -> None:
    queue = RenderQueue()
    for _ in range(3):
        with pytest.raises(RuntimeError), queue.turn(LARGE, "shop"):
            raise RuntimeError
    with queue.turn(LARGE, "shop"):
        pass


def test_documents_go_through_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    poller = bench(LARGE)
    taken: list[bool] = []

    def render(*_: object) -> object:
        taken.append(poller.poller._deliverer.render_queue._busy)
        raise ContentError("InvalidContent", "no")  # type: ignore[arg-type]

    monkeypatch.setattr(deliver, "render", render)
    poller.poll()
    assert taken == [True]
    assert not poller.poller._deliverer.render_queue._busy


def test_namespaces_take_turns_with_their_large_ones() -> None:
    queue, order = RenderQueue(), list[str]()
    inside, go_on = threading.Event(), threading.Event()

    def pass_through(namespace: str) -> None:
        with queue.turn(LARGE, namespace):
            order.append(namespace)
            inside.set()
            assert go_on.wait(10)

    with ThreadPoolExecutor(8) as threads:
        running = []
        for number, namespace in enumerate(["many"] * 6 + ["few"]):
            running.append(threads.submit(pass_through, namespace))
            assert inside.wait(10)
            eventually(lambda waiting=number: len(queue._waiting) == waiting)  # type: ignore[misc]
        go_on.set()
        for each in running:
            each.result(10)
    assert order.index("few") <= 2
