"""Each identity from the resource to the ConfigMap, at an AWS that verifies who calls; nothing secret in any text."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox import AppConfig, wait_until
from sandbox.aws.data_plane import AppConfigProxy, Operation, Rules
from sandbox.aws.iam import ACCOUNT, trust_in, trust_in_service_account
from tests.e2e.support.scene import TIMEOUT, Scene, condition
from tests.support.identities import EACH, grant, secret, service_account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sandbox import MiniStack, Process
    from sandbox.aws.iam import Iam
    from sandbox.kube.rest import Rest
    from tests.e2e.conftest import StartOperator

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
GOOD = {"config.json": '{"good": "can4rybird"}'}
MARKER = "hunter2"


@pytest.fixture(scope="module")
def strict_appconfig(strict_ministack: MiniStack) -> AppConfig:
    return AppConfig(strict_ministack.url)


@pytest.fixture(scope="module")
def proxy(strict_ministack: MiniStack) -> Iterator[AppConfigProxy]:
    """AppConfig's data plane, which wants a poll each second, before STS as it is."""
    with AppConfigProxy(strict_ministack.url, Rules(poll_interval=1)) as running:
        yield running
    assert running.replays() == []


@pytest.fixture(scope="module")
def aws(strict_ministack: MiniStack, proxy: AppConfigProxy) -> dict[str, str]:
    """Lead operators to the AWS that verifies."""
    return {**strict_ministack.environment(), **proxy.environment()}


@pytest.fixture
def own(aws: Mapping[str, str]) -> dict[str, str]:
    """Make an operator that is the account's root."""
    return dict(aws)


@pytest.fixture
def nobody(aws: Mapping[str, str]) -> dict[str, str]:
    """Make an operator that has no AWS credentials of its own."""
    return {name: value for name, value in aws.items() if name not in {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}}


@pytest.fixture
def scene(api: Rest, strict_appconfig: AppConfig, namespace: str) -> Scene:
    """Return the operator the rights of the components, in the namespace of the test."""
    made = Scene(api, strict_appconfig, namespace)
    grant(lambda path, body: api.json("POST", path, body), namespace, *EACH)
    made.deploy(GOOD["config.json"].encode())
    return made


def put(scene: Scene, kind: str, body: Mapping[str, Any], method: str = "POST") -> None:
    name = "" if method == "POST" else f"/{body['metadata']['name']}"
    scene.api.json(method, f"/api/v1/namespaces/{scene.namespace}/{kind}{name}", body)


def others(proxy: AppConfigProxy) -> list[object]:
    """Return the calls that are none of the data plane: those of STS."""
    return [call for call in proxy._service.calls() if call.operation is Operation.OTHER]


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def arrives(scene: Scene, name: str = "checkout") -> None:
    scene.wait_for(name, "Synced")
    assert scene.config_map(name)["data"] == GOOD


def message(scene: Scene, name: str, reason: str) -> str:
    ready = condition(scene.wait_for(name, reason), "Ready")
    assert ready is not None
    return str(ready["message"])


@pytest.mark.proves("spec.credentials.serviceAccountRef", "spec.credentials.serviceAccountRef.name")
def test_a_service_account(scene: Scene, start_operator: StartOperator, iam: Iam, nobody: dict[str, str]) -> None:
    role = iam.role(unique("cart"), trust_in_service_account(scene.namespace, "cart"))
    put(scene, "serviceaccounts", service_account("cart", role))
    start_operator(scene.namespace, aws=nobody)
    scene.apply("checkout", credentials={"serviceAccountRef": {"name": "cart"}})
    arrives(scene)


@pytest.mark.proves("spec.credentials.secretRef")
def test_a_secret(scene: Scene, start_operator: StartOperator, iam: Iam, nobody: dict[str, str]) -> None:
    put(scene, "secrets", secret("aws", *iam.user(unique("user"))))
    start_operator(scene.namespace, aws=nobody)
    scene.apply("checkout", credentials={"secretRef": {"name": "aws"}})
    arrives(scene)


@pytest.mark.proves("spec.credentials.assumeRole.externalId")
def test_a_role_on_top_of_the_operators_own_identity(
    scene: Scene, start_operator: StartOperator, iam: Iam, own: dict[str, str]
) -> None:
    conditions = {
        "StringLike": {"sts:RoleSessionName": f"{scene.namespace}@*"},
        "StringEquals": {"sts:ExternalId": "shop"},
    }
    role = iam.role(unique("reader"), trust_in(ROOT, **conditions))
    start_operator(scene.namespace, aws=own)
    scene.apply("checkout", credentials={"assumeRole": {"roleArn": role, "externalId": "shop"}})
    arrives(scene)
    scene.apply("wrong", credentials={"assumeRole": {"roleArn": role, "externalId": "stock"}})
    words = message(scene, "wrong", "AccessDenied")
    assert f"{ROOT} (the operator) to call sts:AssumeRole for role {role}" in words
    assert scene.config_map("checkout")["data"] == GOOD


@pytest.mark.proves("spec.credentials.assumeRole", "spec.credentials.assumeRole.roleArn")
@pytest.mark.parametrize("kind", ["service-account", "secret"])
def test_a_role_on_top_of_a_reference(
    scene: Scene, start_operator: StartOperator, iam: Iam, nobody: dict[str, str], kind: str
) -> None:
    name = unique("first")
    if kind == "secret":
        put(scene, "secrets", secret("aws", *iam.user(name, actions=["sts:AssumeRole"])))
        credentials: dict[str, Any] = {"secretRef": {"name": "aws"}}
        principal = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    else:
        first = iam.role(name, trust_in_service_account(scene.namespace, "cart"), actions=["sts:AssumeRole"])
        put(scene, "serviceaccounts", service_account("cart", first))
        credentials = {"serviceAccountRef": {"name": "cart"}}
        principal = first
    role = iam.role(unique("reader"), trust_in(principal))
    start_operator(scene.namespace, aws=nobody)
    scene.apply("checkout", credentials={**credentials, "assumeRole": {"roleArn": role}})
    arrives(scene)


@pytest.mark.proves("spec.credentials")
def test_sources_share_an_identity(
    scene: Scene, start_operator: StartOperator, iam: Iam, nobody: dict[str, str], proxy: AppConfigProxy
) -> None:
    """One call of STS for five sources, and no more tokens than that."""
    before = len(others(proxy))
    role = iam.role(unique("cart"), trust_in_service_account(scene.namespace, "cart"))
    put(scene, "serviceaccounts", service_account("cart", role))
    names = [f"source-{number}" for number in range(5)]
    for name in names:
        scene.apply(name, credentials={"serviceAccountRef": {"name": "cart"}})
    start_operator(scene.namespace, aws=nobody)
    for name in names:
        arrives(scene, name)
    assert len(others(proxy)) == before + 1


@pytest.mark.proves("spec.credentials.secretRef.name")
def test_a_reference_that_is_mended(
    scene: Scene, start_operator: StartOperator, iam: Iam, nobody: dict[str, str]
) -> None:
    start_operator(scene.namespace, aws=nobody)
    scene.apply("checkout", credentials={"secretRef": {"name": "aws"}})
    assert message(scene, "checkout", "CredentialsUnavailable").startswith(f"Secret {scene.namespace}/aws does not ")
    assert condition(scene.source("checkout"), "Stalled") is not None
    put(scene, "secrets", secret("aws", *iam.user(unique("user"))))
    scene.change("checkout", pollIntervalSeconds=16)
    scene.wait_for("checkout", "Synced", generation=2)
    assert scene.config_map("checkout")["data"] == GOOD


def test_without_the_right_the_component_is_named(
    api: Rest, strict_appconfig: AppConfig, namespace: str, start_operator: StartOperator, nobody: dict[str, str]
) -> None:
    bare = Scene(api, strict_appconfig, namespace)
    put(bare, "secrets", secret("aws", "AKIAIOSFODNN7EXAMPLE", MARKER))
    start_operator(namespace, aws=nobody)
    bare.apply("checkout", credentials={"secretRef": {"name": "aws"}})
    assert "manifests/components/identities/secrets" in message(bare, "checkout", "CredentialsUnavailable")


def test_nothing_secret_shows(scene: Scene, start_operator: StartOperator, iam: Iam, nobody: dict[str, str]) -> None:
    """Not in the log with all that it can show, not in conditions, not in Events, whatever is wrong with the keys."""
    user = unique("user")
    key_id, key = iam.user(user)
    put(scene, "secrets", secret("good", key_id, key))
    put(scene, "secrets", secret("unknown", f"AKIA{MARKER.upper()}00000", f"{MARKER}/key", f"{MARKER}/token"))
    put(scene, "secrets", secret("two-lines", "AKIAIOSFODNN7EXAMPLE", f"{MARKER}\n{MARKER}"))
    put(scene, "secrets", secret("no-ascii", f"AKIA{MARKER}ä", f"{MARKER}ä"))
    put(scene, "serviceaccounts", service_account("cart", f"arn:aws:iam::{ACCOUNT}:role/nobody"))
    process = start_operator(scene.namespace, aws=nobody, arguments=("--log-format=json", "--log-level=debug"))
    scene.apply("good", credentials={"secretRef": {"name": "good"}})
    wrong = {"unknown": "AccessDenied", "two-lines": "CredentialsUnavailable", "no-ascii": "CredentialsUnavailable"}
    for name in wrong:
        scene.apply(name, credentials={"secretRef": {"name": name}})
    role = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    top = {"secretRef": {"name": "unknown"}, "assumeRole": {"roleArn": role, "externalId": f"{MARKER}-external"}}
    scene.apply("on-top", credentials=top)
    scene.apply("account", credentials={"serviceAccountRef": {"name": "cart"}})
    wrong |= {"on-top": "AccessDenied", "account": "AccessDenied"}
    arrives(scene, "good")
    for name, reason in wrong.items():
        scene.wait_for(name, reason)
    wait_until(lambda: len(scene.raw_events()) >= len(wrong) + 1, TIMEOUT, "all Events")

    reported = json.dumps([[source["status"] for source in scene.sources()], scene.raw_events(), scene.config_maps()])
    for text in (reported, process.log):
        for hidden in (MARKER, MARKER.upper(), key_id, key, "eyJhbGciOi"):
            assert hidden not in text


POLICY = {
    "rules": [
        {
            "namespaces": ["test-*"],
            "applications": ["test-*"],
            "environments": ["prod*"],
            "roleArns": [f"arn:aws:iam::{ACCOUNT}:role/allowed-*"],
        }
    ]
}


def with_policy(start: StartOperator, scene: Scene, folder: Path, aws: Mapping[str, str]) -> Process:
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(POLICY), encoding="utf-8")
    return start(scene.namespace, aws=aws, arguments=("--log-format=text", f"--policy-file={file}"))


@pytest.mark.proves("ForbiddenByPolicy")
def test_policy_file(  # noqa: PLR0913, PLR0917 - fixtures
    scene: Scene,
    start_operator: StartOperator,
    iam: Iam,
    own: dict[str, str],
    proxy: AppConfigProxy,
    tmp_path: Path,
) -> None:
    allowed = iam.role(unique("allowed"), trust_in(ROOT))
    other = iam.role(unique("other"), trust_in(ROOT))
    before = len(proxy._service.calls())
    with_policy(start_operator, scene, tmp_path, own)
    scene.apply("role", credentials={"assumeRole": {"roleArn": other}})
    scene.apply("application", application="stock")
    scene.apply("environment", environment="test")
    assert f"assume role {other}" in message(scene, "role", "ForbiddenByPolicy")
    assert "use application stock" in message(scene, "application", "ForbiddenByPolicy")
    assert "use environment test" in message(scene, "environment", "ForbiddenByPolicy")
    assert condition(scene.source("role"), "Stalled") is not None
    assert len(proxy._service.calls()) == before, "none of them may call anybody"

    scene.apply("checkout", credentials={"assumeRole": {"roleArn": allowed}})
    arrives(scene)
    scene.change("role", credentials={"assumeRole": {"roleArn": allowed}})
    scene.wait_for("role", "Synced", generation=2)
