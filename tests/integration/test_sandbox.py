"""The sandbox itself: what the other tests rely on."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from sandbox import ControlPlane, MiniStack, wait_until
from sandbox.kube.kubectl import Kubectl, KubectlError
from sandbox.kube.rest import Rest, RestError

if TYPE_CHECKING:
    from mypy_boto3_appconfigdata import AppConfigDataClient

    from sandbox import AppConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(ministack: MiniStack) -> AppConfigDataClient:
    client: AppConfigDataClient = boto3.client(
        "appconfigdata",
        endpoint_url=ministack.url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return client


def config_map(name: str, owner_uid: str | None = None) -> str:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner_uid}
    metadata = {"name": name, "ownerReferences": [] if owner_uid is None else [owner]}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def test_a_deleted_namespace_goes_with_all_in_it(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "a", "-n", namespace)
    kubectl("delete", "namespace", namespace, "--timeout=60s")
    assert namespace not in kubectl("get", "namespaces", "-o", "name")


def test_what_is_owned_goes_with_its_owner(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "owner", "-n", namespace)
    uid = kubectl("get", "configmap", "owner", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    kubectl("apply", "-n", namespace, "-f", "-", stdin=config_map("owned", uid))
    kubectl("delete", "configmap", "owner", "-n", namespace)
    kubectl("wait", "--for=delete", "configmap/owned", "-n", namespace, "--timeout=60s")


def test_a_service_account_may_do_what_rbac_gives_and_no_more(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    kubectl("create", "serviceaccount", "reader", "-n", namespace)
    kubectl("create", "role", "reader", "--verb=get", "--resource=configmaps", "-n", namespace)
    kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader", "-n", namespace)
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "reader")
    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    reader = Kubectl(kubeconfig)
    assert "kube-root-ca.crt" in reader("get", "configmap", "kube-root-ca.crt", "-n", namespace)
    with pytest.raises(KubectlError, match="Forbidden"):
        reader("delete", "configmap", "kube-root-ca.crt", "-n", namespace)

    user = f"system:serviceaccount:{namespace}:reader"

    def logged() -> list[tuple[str, str, int]]:
        requests = control_plane.requests_of(user)
        return [(request.verb, request.name, request.code) for request in requests if request.resource == "configmaps"]

    wait_until(lambda: len(logged()) >= 2, 10, "both requests logged")
    assert logged() == [("get", "kube-root-ca.crt", 200), ("delete", "kube-root-ca.crt", 403)]


def test_a_token_for_somebody_else_is_refused(control_plane: ControlPlane, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "shop", "-n", namespace)
    good = control_plane.service_account_token(namespace, "shop")
    other = control_plane.service_account_token(namespace, "shop", audience="sts.amazonaws.com")
    assert "ok" in Rest(control_plane.url, control_plane.ca_file, good).request("GET", "/livez")
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = Rest(control_plane.url, control_plane.ca_file, good).json("POST", review, body)
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:shop"
    with pytest.raises(RestError) as refused:
        Rest(control_plane.url, control_plane.ca_file, other).json("POST", review, body)
    assert refused.value.status == 401


def test_a_write_is_counted_once(control_plane: ControlPlane, kubectl: Kubectl, namespace: str) -> None:
    def creates() -> int:
        samples = control_plane.request_total()
        return sum(s.count for s in samples if (s.verb, s.resource, s.code) == ("POST", "rolebindings", 201))

    before = creates()
    kubectl("create", "rolebinding", "x", "--clusterrole=view", "--user=nobody", "-n", namespace)
    assert creates() == before + 1
    kubectl("get", "rolebinding", "x", "-n", namespace)
    assert creates() == before + 1


def test_the_certificate_passes_strict_checks(control_plane: ControlPlane) -> None:
    # What Python 3.13 asks of every certificate.
    context = ssl.create_default_context(cafile=control_plane.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    host, port = control_plane.url.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        assert encrypted.version() is not None


def test_an_outage_loses_nothing_and_nothing_stays_behind(tmp_path: Path) -> None:
    with ControlPlane(tmp_path) as plane:
        kubectl = Kubectl(plane.kubeconfig)
        kubectl("create", "configmap", "kept", "-n", "default")
        certificate = plane.ca_file.read_bytes()
        plane.stop_api_server()
        with pytest.raises(KubectlError, match="refused"):
            kubectl("get", "configmap", "kept", "-n", "default")
        plane.start_api_server()
        assert plane.ca_file.read_bytes() == certificate
        kubectl("get", "configmap", "kept", "-n", "default")
        plane.restart_controllers()
        kubectl("create", "namespace", "after")
        kubectl("wait", "--for=create", "serviceaccount/default", "-n", "after", "--timeout=30s")
        processes = plane.processes
    assert [process.running for process in processes] == [False] * 3


def test_what_is_deployed_is_what_a_session_gets(appconfig: AppConfig, data: AppConfigDataClient) -> None:
    shop = f"shop-{uuid.uuid4().hex[:8]}"
    first = appconfig.deploy(shop, "production", "checkout", b'{"a": 1}', version_label="one")
    session = data.start_configuration_session(
        ApplicationIdentifier=shop, EnvironmentIdentifier="production", ConfigurationProfileIdentifier="checkout"
    )
    answer = data.get_latest_configuration(ConfigurationToken=session["InitialConfigurationToken"])
    assert answer["Configuration"].read() == b'{"a": 1}'
    assert (answer["ContentType"], answer["VersionLabel"]) == ("application/json", "one")

    # Right after the first: the strategy leaves no deployment under way that would refuse the next.
    second = appconfig.deploy(shop, "production", "checkout", b"a: 2", content_type="application/x-yaml")
    assert second == first + 1
    answer = data.get_latest_configuration(ConfigurationToken=answer["NextPollConfigurationToken"])
    assert (answer["Configuration"].read(), answer["ContentType"]) == (b"a: 2", "application/x-yaml")
    answer = data.get_latest_configuration(ConfigurationToken=answer["NextPollConfigurationToken"])
    assert answer["Configuration"].read() == b""


def test_what_exists_is_not_made_twice_and_can_be_deleted(appconfig: AppConfig) -> None:
    name = f"twice-{uuid.uuid4().hex[:8]}"
    place = appconfig.ensure(name, "e", "p")
    assert appconfig.ensure(name, "e", "p") == place
    appconfig.delete_application(name)
    appconfig.delete_application(name)
    assert appconfig.ensure(name, "e", "p").application != place.application
    appconfig.delete_application(name)


def test_an_unknown_identity_is_refused_where_access_is_checked() -> None:
    with MiniStack(access_checks=True) as strict:
        client = boto3.client(
            "appconfig",
            endpoint_url=strict.url,
            region_name="eu-west-1",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="x",
        )
        with pytest.raises(client.exceptions.ClientError, match="UnrecognizedClientException"):
            client.list_applications()


def test_ministack_listens_on_loopback_only(ministack: MiniStack) -> None:
    port = f":{ministack.port:04X}"
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()
        if line.split()[1].endswith(port) and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F{port}"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_command_starts_both_and_stops_clean(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            assert command.stdout is not None
            lines = []
            for line in command.stdout:
                lines.append(line.rstrip())
                if "Ctrl-C" in line:
                    break
            exports = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
            assert "Server Version" in Kubectl(Path(exports["KUBECONFIG"]))("version")
            assert "AWS_ACCESS_KEY_ID=test" in exports["AWS_ENDPOINT_URL"]
            children = _children(command.pid)
            assert len(children) == 4
            command.send_signal(number)
            assert command.wait(30) == 0
        finally:
            command.kill()
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert not list(tmp_path.iterdir())


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]
