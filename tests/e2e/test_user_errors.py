"""Whatever is wrong with a source, its condition and one Event say what, and its ConfigMap stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from sandbox.aws.data_plane import Fault, Operation
from sandbox.aws.data_plane.faults import IDENTITY
from tests.e2e.support.checks import GOOD, check_failed, synced
from tests.e2e.support.policies import denying
from tests.e2e.support.scene import ENVIRONMENT, PROFILE, TIMEOUT, Scene, condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.data_plane import AppConfigProxy

LIMIT = 1_048_576


@pytest.fixture
def scene(served_scene: Scene) -> Scene:
    return served_scene


@pytest.mark.proves("spec.application", "spec.environment", "NotFound")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param(
            {"application": "nowhere"}, ("application nowhere does not exist", "spec.application"), id="application"
        ),
        pytest.param(
            {"environment": "nowhere"}, ("environment nowhere does not exist", "spec.environment"), id="environment"
        ),
        pytest.param(
            {"configurationProfile": "nowhere"},
            ("configuration profile nowhere does not exist", "spec.configurationProfile"),
            id="profile",
        ),
    ],
)
def test_something_named_wrong_is_named(scene: Scene, wrong: Mapping[str, str], words: tuple[str, ...]) -> None:
    before = synced(scene)
    scene.change("checkout", **wrong)
    check_failed(scene, "checkout", "NotFound", stalled=True, words=words)
    # Reported again only when something else is wrong: another change of the spec, the same error.
    scene.change("checkout", pollIntervalSeconds=16)
    check_failed(scene, "checkout", "NotFound", stalled=True, words=words)
    assert scene.config_map("checkout") == before

    scene.change("checkout", application=scene.namespace, environment=ENVIRONMENT, configurationProfile=PROFILE)
    fixed = scene.wait_for("checkout", "Synced", generation=4)
    assert condition(fixed, "Stalled") is None
    assert scene.config_map("checkout") == before
    # One Event for each transition, and none for the second look at the same error.
    scene.wait_for_events("checkout", [("Normal", "Synced"), ("Warning", "NotFound"), ("Normal", "Synced")])


@pytest.mark.proves("TargetNotOwned")
def test_a_foreign_config_map_is_left_as_it_is_and_another_name_mends_it(scene: Scene) -> None:
    before = scene.write_config_map("checkout", {"theirs": "1"})
    scene.deploy(GOOD["config.json"].encode())
    scene.apply("checkout")
    words = (f"ConfigMap {scene.namespace}/checkout", "spec.target.name")
    check_failed(scene, "checkout", "TargetNotOwned", stalled=True, words=words)
    assert scene.config_map("checkout") == before

    scene.change("checkout", target={"name": "checkout-config"})
    scene.wait_for("checkout", "Synced", generation=2)
    assert scene.config_map("checkout-config")["data"] == GOOD
    assert scene.config_map("checkout") == before


def test_the_config_map_of_another_source_is_left_as_it_is(scene: Scene) -> None:
    before = synced(scene, "first")
    scene.apply("second", target={"name": "first"})
    words = (f"ConfigMap {scene.namespace}/first belongs to AppConfigSource first",)
    check_failed(scene, "second", "TargetNotOwned", stalled=True, words=words)
    assert scene.config_map("first")["data"] == before["data"]


@pytest.mark.proves("TargetRejected")
def test_what_the_api_server_refuses_is_told(scene: Scene) -> None:
    # An immutable ConfigMap that is the source's own.
    before = synced(scene)
    immutable = scene.api.json(
        "PUT", f"/api/v1/namespaces/{scene.namespace}/configmaps/checkout", {**before, "immutable": True}
    )
    scene.deploy(b'{"good": "can4rybird newer"}')
    scene.change("checkout", pollIntervalSeconds=16)
    words = (f"ConfigMap {scene.namespace}/checkout", "field is immutable when `immutable` is set")
    check_failed(scene, "checkout", "TargetRejected", stalled=True, words=words)
    assert scene.config_map("checkout") == immutable


def test_a_quota_that_is_used_up_is_named(scene: Scene) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {"configmaps": "0"}},
    }
    quotas = f"/api/v1/namespaces/{scene.namespace}/resourcequotas"
    scene.api.json("POST", quotas, quota)
    wait_until(lambda: scene.api.json("GET", f"{quotas}/few")["status"].get("used"), TIMEOUT, "the quota in force")
    scene.deploy(GOOD["config.json"].encode())
    scene.apply("checkout")
    words = (f"ConfigMap {scene.namespace}/checkout", "exceeded quota: few")
    check_failed(scene, "checkout", "TargetRejected", stalled=True, words=words)
    assert not scene.has_config_map("checkout")


def test_a_policy_that_quotes_what_it_refuses_is_named_and_not_quoted(scene: Scene) -> None:
    """The canary in the content is searched for at the end of the run, in all that the operator has reported."""
    maps = f"/api/v1/namespaces/{scene.namespace}/configmaps"
    probe = ("POST", maps, {"metadata": {"name": "probe"}, "data": GOOD})
    quote = "object.data['config.json']"
    with denying(scene, group="", resource="configmaps", quote=quote, probe=probe) as policy:
        scene.deploy(GOOD["config.json"].encode())
        scene.apply("checkout")
        words = (f"ConfigMap {scene.namespace}/checkout", f'"{policy}" denied it', "kubectl get validatingadm")
        check_failed(scene, "checkout", "TargetRejected", stalled=True, words=words)
    assert not scene.has_config_map("checkout")


@pytest.mark.proves("TooLarge")
def test_a_configuration_that_no_config_map_can_hold_leaves_the_last_one(scene: Scene) -> None:
    before = synced(scene)
    scene.deploy(b"can4rybird".ljust(LIMIT + 1, b"x"), content_type="text/plain")
    scene.change("checkout", pollIntervalSeconds=16)
    words = ("1,048,577 bytes", "at most 1,048,576")
    check_failed(scene, "checkout", "TooLarge", stalled=True, words=words)
    assert scene.config_map("checkout") == before


@pytest.mark.proves("AccessDenied")
def test_access_denied_names_identity_and_action(scene: Scene, proxy: AppConfigProxy) -> None:
    before = synced(scene)
    proxy.fail(Operation.LATEST, Fault.access_denied(), times=None, place=scene.place())
    words = (f"{IDENTITY} is not allowed to call appconfig:GetLatestConfiguration", "IAM policy")
    check_failed(scene, "checkout", "AccessDenied", stalled=True, words=words)
    assert scene.config_map("checkout") == before


@pytest.mark.proves("NotDeployed")
def test_nothing_deployed_yet_is_waited_for(scene: Scene, proxy: AppConfigProxy) -> None:
    scene.appconfig.ensure(scene.namespace, ENVIRONMENT, PROFILE)
    scene.apply("checkout")
    words = (f"profile {PROFILE}", f"environment {ENVIRONMENT}", f"application {scene.namespace}", "deployment")
    check_failed(scene, "checkout", "NotDeployed", stalled=False, words=words)
    # AWS starts no session for it, so at the pace of the spec, with one Event.
    wait_until(lambda: proxy.count(Operation.START, place=scene.place()) >= 2, 2 * TIMEOUT, "a further look")
    check_failed(scene, "checkout", "NotDeployed", stalled=False, words=words)
    assert not scene.has_config_map("checkout")
    assert proxy.sessions(place=scene.place()) == 0

    scene.deploy(GOOD["config.json"].encode())
    scene.wait_for("checkout", "Synced")
    assert scene.config_map("checkout")["data"] == GOOD
    assert proxy.sessions(place=scene.place()) == 1
    scene.wait_for_events("checkout", [("Warning", "NotDeployed"), ("Normal", "Synced")])


def test_a_config_map_that_another_makes_first_is_never_overwritten(scene: Scene) -> None:
    scene.appconfig.ensure(scene.namespace, ENVIRONMENT, PROFILE)
    scene.apply("checkout")
    scene.wait_for("checkout", "NotDeployed")
    before = scene.write_config_map("checkout", {"theirs": "1"})
    scene.deploy(GOOD["config.json"].encode())
    source = scene.wait_for("checkout", "TargetNotOwned")
    assert f"ConfigMap {scene.namespace}/checkout" in source["status"]["conditions"][0]["message"]
    assert scene.config_map("checkout") == before


def test_a_config_map_that_another_puts_in_place_of_ours_is_never_overwritten(scene: Scene) -> None:
    ours = synced(scene)
    theirs = scene.replace_config_map("checkout", ours["data"])
    scene.deploy(b'{"good": "can4rybird newer"}')
    check_failed(scene, "checkout", "TargetNotOwned", stalled=True, words=("was not created by",))
    assert scene.config_map("checkout") == theirs
