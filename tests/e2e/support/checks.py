"""What the tests of errors have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import wait_until
from tests.e2e.support.scene import TIMEOUT, condition

if TYPE_CHECKING:
    from tests.e2e.support.scene import Object, Scene

GOOD = {"config.json": '{"good": "can4rybird"}'}


def synced(scene: Scene, name: str = "checkout") -> Object:
    """Bring a source to a good state, and give its ConfigMap."""
    scene.deploy(GOOD["config.json"].encode(), label="good")
    scene.apply(name)
    scene.wait_for(name, "Synced")
    return scene.config_map(name)


def check_failed(scene: Scene, name: str, reason: str, *, stalled: bool, words: tuple[str, ...]) -> None:
    """Wait for the reason, about the source as it is now, and check all that reports it."""
    generation = scene.source(name)["metadata"]["generation"]
    source = scene.wait_for(name, reason, generation=generation)
    ready = condition(source, "Ready")
    assert ready is not None
    assert ready["status"] == "False"
    for word in words:
        assert word in ready["message"]
    assert (condition(source, "Stalled") or {"reason": None})["reason"] == (reason if stalled else None)
    assert condition(source, "Reconciling") is None
    assert source["status"]["observedGeneration"] == generation
    reported = wait_until(lambda: warnings(scene, name), TIMEOUT, f"an Event about {name}")
    assert [(event["reason"], event["note"]) for event in reported] == [(reason, ready["message"])]
    assert reported[0]["regarding"]["uid"] == source["metadata"]["uid"]


def warnings(scene: Scene, name: str) -> list[Object]:
    return [event for event in scene.raw_events() if event["regarding"]["name"] == name and event["type"] == "Warning"]
