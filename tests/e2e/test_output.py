"""What the operator shows: nothing secret anywhere, and a log that machines can read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox import wait_until
from sandbox.aws.data_plane import Fault, Operation
from tests.e2e.support.scene import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import ControlPlane
    from sandbox.aws.data_plane import AppConfigProxy
    from tests.e2e.conftest import StartOperator
    from tests.e2e.support.scene import Object, Scene

VALUE = "can4rybird-of-a-value"
# The proxy and MiniStack take any.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAMARKEROFAKEYID00",
    "AWS_SECRET_ACCESS_KEY": "marker-of-a-secret-key",
    "AWS_SESSION_TOKEN": "marker-of-a-session-token",
}


def exercise(scene: Scene, proxy: AppConfigProxy) -> None:
    """Let go well and go wrong what can, each with the value in it."""
    content = json.dumps({"password": VALUE}).encode()
    for profile in ("good", "refused", "lost", "quoted", "denied", "page", "flaky"):
        scene.deploy(content, profile=profile)
        scene.apply(profile, configurationProfile=profile)
        scene.wait_for(profile, "Synced")
    immutable = {**scene.config_map("refused"), "immutable": True}
    scene.api.json("PUT", f"/api/v1/namespaces/{scene.namespace}/configmaps/refused", immutable)
    scene.deploy(content + b"\n", profile="refused")

    def fail(profile: str, fault: Fault, times: int | None = None) -> None:
        proxy.fail(Operation.LATEST, fault, times=times, place=scene.place(profile))

    fail("lost", Fault.truncated())
    fail("page", Fault.page())
    fail("denied", Fault.access_denied())
    fail("flaky", Fault.invalid("ConfigurationToken", "Expired"), times=1)
    words = f"The token {VALUE} of {CREDENTIALS['AWS_SESSION_TOKEN']} is not known"
    fail("quoted", Fault.refused(500, "SomeException", words))
    scene.deploy(VALUE.encode() * 60_000, profile="large", content_type="text/plain")
    scene.deploy(VALUE.encode(), profile="foreign", content_type="text/plain")
    scene.write_config_map("foreign", {"value": VALUE})
    for profile in ("large", "foreign"):
        scene.apply(profile, configurationProfile=profile)
    for name, reason in {
        "refused": "TargetRejected",
        "lost": "ServiceUnavailable",
        "page": "ServiceUnavailable",
        "denied": "AccessDenied",
        "quoted": "ServiceUnavailable",
        "large": "TooLarge",
        "foreign": "TargetNotOwned",
    }.items():
        scene.wait_for(name, reason)
    wait_until(lambda: proxy.sessions(place=scene.place("flaky")) == 2, TIMEOUT, "a new session")


def test_no_secret_is_told_and_each_line_of_the_log_is_json(
    scene: Scene,
    installed: ControlPlane,
    start_operator: StartOperator,
    proxy: AppConfigProxy,
    aws: Mapping[str, str],
) -> None:
    operator = start_operator(
        scene.namespace, arguments=["--log-format=json", "--log-level=debug"], aws={**aws, **CREDENTIALS}
    )
    exercise(scene, proxy)
    operator.stop()

    tokens = proxy.tokens()
    kubeconfig = installed.folder / "appconfig-operator-appconfig-operator.kubeconfig"
    own_token: str = json.loads(kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]["token"]
    assert len(tokens) >= 10
    assert VALUE in json.dumps(scene.config_map("good"))
    sources, events = scene.sources(), scene.raw_events()
    assert len(events) >= 14
    reported = {"log": operator.log, "sources": json.dumps(sources), "events": json.dumps(events)}
    for secret in (VALUE, own_token, *CREDENTIALS.values(), *tokens):
        for where, text in reported.items():
            assert secret not in text, f"{secret} in {where}"
    check_lines(operator.log, sources)


def check_lines(log: str, sources: list[Object]) -> None:
    lines = [json.loads(line) for line in log.splitlines()]
    for line in lines:
        assert line.keys() >= {"time", "level", "logger", "message"}, line
    known = {source["metadata"]["uid"]: source["metadata"] for source in sources}
    about = [line for line in lines if "source" in line]
    for line in about:
        metadata = known.pop(line["uid"], None) or line_metadata(sources, line["uid"])
        assert (line["namespace"], line["source"]) == (metadata["namespace"], metadata["name"])
    assert not known, "there are sources that no line is about"
    # A line about a source says so in its fields.
    for line in lines:
        assert "source" in line or "ConfigMap" not in line["message"], line


def line_metadata(sources: list[Object], uid: str) -> Object:
    found: Object = next(source["metadata"] for source in sources if source["metadata"]["uid"] == uid)
    return found
