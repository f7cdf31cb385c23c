"""Feature flags from a deployment to whoever reads them: experiments, rules, and OpenFeature's own evaluators."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import wait_until
from sandbox.aws.data_plane import Experiment, Operation, ion
from tests.e2e.support.scene import TIMEOUT, Scene, condition
from tests.evaluators.flagd import Ask, Evaluation, node_answers, python_answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.data_plane import AppConfigProxy

BASIC: Mapping[str, Any] = {
    "banner": {"enabled": False},
    "checkout": {"enabled": True, "text": "can4rybird", "limit": 5, "tags": ["a", "b"]},
}
RULES: Mapping[str, Any] = {
    "color": {
        "_variants": [
            {"name": "no", "enabled": True, "rule": '(eq $country "no")', "attributeValues": {"text": "can4rybird no"}},
            {"name": "default", "enabled": True, "attributeValues": {"text": "can4rybird", "ratio": 1.5, "beta": True}},
        ]
    },
    # Its name is a symbol of the tables that AWS does not publish.
    "split": {
        "_variants": [
            {"name": "some", "enabled": True, "rule": '(split pct::10 by::$userId seed::"abc")'},
            {"name": "default", "enabled": False},
        ]
    },
}
TREATED = Experiment("checkout", treatment={"enabled": True, "text": "can4rybird treated"})


@pytest.fixture
def scene(served_scene: Scene) -> Scene:
    return served_scene


def counted(scene: Scene, name: str, number: int) -> None:
    """Wait until the status reports so many multi-variant flags."""
    wait_until(
        lambda: scene.source(name)["status"]["source"]["multiVariantFlags"] == number,
        TIMEOUT,
        f"{number} multi-variant flags in {name}",
    )


def notes(scene: Scene, name: str, reason: str) -> list[str]:
    about = [event for event in scene.raw_events() if event["regarding"]["name"] == name and event["reason"] == reason]
    return [event["note"] for event in sorted(about, key=lambda event: event["eventTime"])]


@pytest.mark.parametrize("kind", ["Raw", "JSON"])
def test_a_definition_is_read_by_both_evaluators(scene: Scene, kind: str) -> None:
    scene.deploy_flags({**BASIC, **RULES})
    scene.apply("flags", featureFlags={"output": "Flagd"}, target={"format": kind, "key": "flags.json"})
    scene.wait_for("flags", "Synced")
    definition: str = scene.config_map("flags")["data"]["flags.json"]
    wanted = {
        Ask("boolean", "banner", default=True): Evaluation(value=False, variant="off", reason="STATIC"),
        Ask("boolean", "checkout", default=False): Evaluation(value=True, variant="on", reason="STATIC"),
        Ask("boolean", "color", default=False): Evaluation(value=True, variant="on", reason="STATIC"),
        Ask("boolean", "split", default=True): Evaluation(value=False, variant="off", reason="STATIC"),
        Ask("object", "checkout.attributes", default=None): Evaluation(
            value={"text": "can4rybird", "limit": 5, "tags": ["a", "b"]}, variant="attributes", reason="STATIC"
        ),
        Ask("object", "color.attributes", default=None): Evaluation(
            value={"text": "can4rybird", "ratio": 1.5, "beta": True}, variant="attributes", reason="STATIC"
        ),
        Ask("object", "banner.attributes", default=None): Evaluation(error="FLAG_NOT_FOUND"),
    }
    for answers in (python_answers, node_answers):
        assert answers(definition, list(wanted)) == list(wanted.values())
    counted(scene, "flags", 2)
    scene.wait_for_events("flags", [("Normal", "Synced"), ("Normal", "MultiVariantFlags")])
    assert notes(scene, "flags", "MultiVariantFlags")[0].endswith('no rule is evaluated: "color", "split".')


def test_an_experiment_is_told_and_writes_no_config_map(scene: Scene, proxy: AppConfigProxy) -> None:
    scene.deploy_flags(BASIC)
    scene.apply("raw")
    scene.wait_for("raw", "Synced")
    before, since = scene.config_map("raw"), scene.resource_version()
    proxy.begin_experiment(scene.place(), TREATED)
    counted(scene, "raw", 1)
    proxy.end_experiment(scene.place(), TREATED.flag)
    counted(scene, "raw", 0)
    assert scene.config_map("raw") == before
    assert scene.config_map_writes(since) == []
    reported = ("Normal", "MultiVariantFlags")
    scene.wait_for_events("raw", [("Normal", "Synced"), reported, reported])
    begun, ended = notes(scene, "raw", "MultiVariantFlags")
    assert begun.endswith('no rule is evaluated: "checkout".')
    assert ended == "No feature flag is multi-variant anymore."
    assert proxy.sessions(place=scene.place()) == 1


def test_a_change_of_the_setting_begins_a_session_that_asks_for_it(scene: Scene, proxy: AppConfigProxy) -> None:
    scene.deploy_flags(RULES)
    flags = {"target": {"key": "flags"}}
    scene.apply("flags", **flags)
    scene.wait_for("flags", "Synced")
    default = {
        "color": {"beta": True, "enabled": True, "ratio": 1.5, "text": "can4rybird"},
        "split": {"enabled": False},
    }
    assert json.loads(scene.config_map("flags")["data"]["flags"]) == default

    scene.change("flags", featureFlags={"multiVariant": "Raw"})
    scene.wait_for("flags", "Synced", generation=2)
    written = scene.config_map("flags")
    assert "data" not in written
    assert b64decode(written["binaryData"]["flags"]) == ion.encode(RULES)
    assert scene.source("flags")["status"]["source"]["contentType"].startswith("application/ion")

    scene.change("flags", featureFlags={"multiVariant": "Refuse"})
    ready = condition(scene.wait_for("flags", "UnsupportedContent", generation=3), "Ready")
    assert ready is not None
    assert '"color", "split"' in ready["message"]
    assert scene.config_map("flags") == written

    scene.change("flags", featureFlags={})
    scene.wait_for("flags", "Synced", generation=4)
    assert json.loads(scene.config_map("flags")["data"]["flags"]) == default
    assert proxy.sessions(place=scene.place()) == 4
    assert proxy.count(Operation.START, place=scene.place()) == 4
