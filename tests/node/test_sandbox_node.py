"""The node itself: what the other tests here rely on."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config

from appconfig_operator.core.formats.flatten import MAX_VARIABLE_BYTES
from sandbox import wait_until
from sandbox.kube.kubectl import PROGRAM, Kubectl, KubectlError
from sandbox.kube.rest import Rest, RestError
from sandbox.node import BUSYBOX_IMAGE, Cluster
from sandbox.node.archive import Image
from sandbox.node.pods import restricted_pod
from sandbox.processes.process import Process, ProcessError

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import AppConfig, MiniStack

KUBECTL_IMAGE = "localhost/kubectl:1"
DATA_PLANE = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/appconfigdata/aws4_request"
PRIVILEGED = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "privileged"},
    "spec": {"containers": [{"name": "a", "image": BUSYBOX_IMAGE, "securityContext": {"privileged": True}}]},
}


def start_pod(kubectl: Kubectl, namespace: str, manifest: str) -> None:
    kubectl("apply", "-n", namespace, "-f", "-", stdin=manifest)
    kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=150s")


def config_map(name: str, data: dict[str, str]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def container_id(kubectl: Kubectl, namespace: str, pod: str) -> str:
    return kubectl("get", "pod", pod, "-n", namespace, "-o", "jsonpath={.status.containerStatuses[0].containerID}")


def test_node_is_ready(kubectl: Kubectl) -> None:
    condition = '{.items[*].status.conditions[?(@.type=="Ready")].status}'
    assert kubectl("get", "nodes", "-o", f"jsonpath={condition}") == "True"


def test_mounted_file_changes_in_the_same_container(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "shop", "-n", namespace, "--from-literal=currency=EUR")
    start_pod(kubectl, namespace, restricted_pod("reader", mounts={"/shop": "shop"}, variables_from=["shop"]))
    before = container_id(kubectl, namespace, "reader")
    read = ("exec", "reader", "-n", namespace, "--", "cat", "/shop/currency")
    assert kubectl(*read) == "EUR"

    kubectl("patch", "configmap", "shop", "-n", namespace, "--patch", '{"data": {"currency": "CHF"}}')
    wait_until(lambda: kubectl(*read) == "CHF", 60, "the new content in the container")
    assert container_id(kubectl, namespace, "reader") == before
    assert kubectl("exec", "reader", "-n", namespace, "--", "sh", "-c", "echo $currency") == "EUR\n"


def test_env_from_takes_the_names_and_values_that_the_operator_writes(kubectl: Kubectl, namespace: str) -> None:
    """Names with dots and dashes, which `envVarCase: Preserve` keeps, and the longest value that a process can have."""
    data = {
        "Logging__LogLevel__Shop.Checkout": "Warning",
        "a-b": "dash",
        "LONG": "x" * (MAX_VARIABLE_BYTES - len("LONG=")),
    }
    kubectl("create", "-n", namespace, "-f", "-", stdin=config_map("names", data))
    start_pod(kubectl, namespace, restricted_pod("named", variables_from=["names"]))
    found = kubectl("exec", "named", "-n", namespace, "--", "cat", "/proc/1/environ").split("\0")
    assert {f"{name}={value}" for name, value in data.items()} <= set(found)


def test_no_container_starts_with_what_the_operator_refuses(kubectl: Kubectl, namespace: str) -> None:
    """A variable that is one byte longer, and a `PATH` that a document brings."""
    refused = {"long": {"LONG": "x" * (MAX_VARIABLE_BYTES - len("LONG=") + 1)}, "path": {"PATH": "/srv/data"}}
    for name, data in refused.items():
        kubectl("create", "-n", namespace, "-f", "-", stdin=config_map(name, data))
        kubectl("apply", "-n", namespace, "-f", "-", stdin=restricted_pod(name, variables_from=[name]))

    def logged() -> str:
        try:
            return kubectl("logs", "long", "-n", namespace)
        except KubectlError as error:
            return str(error)

    wait_until(lambda: "argument list too long" in logged(), 60, "the end of the container")
    status = ("get", "pod", "path", "-n", namespace, "-o", "jsonpath={.status.containerStatuses[0]}")
    wait_until(lambda: "executable file not found in $PATH" in kubectl(*status), 60, "the error of the container")


def test_pod_asks_the_api_server_as_its_service_account(
    cluster: Cluster, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    archive = tmp_path / "kubectl.tar"
    Image(KUBECTL_IMAGE, {"/kubectl": PROGRAM}).write(archive)
    cluster.load_image(archive)
    start_pod(kubectl, namespace, restricted_pod("client", ["/kubectl", "proxy"], image=KUBECTL_IMAGE))
    # It is reported nothing: client-go takes address, token and certificate from what every Pod has.
    answer = json.loads(kubectl("exec", "client", "-n", namespace, "--", "/kubectl", "auth", "whoami", "--output=json"))
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"


def test_pod_reads_appconfig(kubectl: Kubectl, namespace: str, ministack: MiniStack, appconfig: AppConfig) -> None:
    appconfig.deploy("shop", "production", namespace, b"from AppConfig", content_type="text/plain")
    client = boto3.client(
        "appconfigdata",
        endpoint_url=ministack.url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={}),
    )
    token = client.start_configuration_session(
        ApplicationIdentifier="shop", EnvironmentIdentifier="production", ConfigurationProfileIdentifier=namespace
    )["InitialConfigurationToken"]
    start_pod(kubectl, namespace, restricted_pod("client"))
    url = f"{ministack.url}/configuration?configuration_token={quote(token, safe='')}"
    fetch = ("wget", "-q", "-O", "-", "--header", DATA_PLANE, url)
    assert kubectl("exec", "client", "-n", namespace, "--", *fetch) == "from AppConfig"


def test_logs(kubectl: Kubectl, namespace: str) -> None:
    start_pod(kubectl, namespace, restricted_pod("speaker", ["sh", "-c", "echo hello; sleep 1000"]))
    wait_until(lambda: kubectl("logs", "speaker", "-n", namespace) == "hello\n", 30, "what it says")


def test_port_forward(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    serve = ["nc", "-ll", "-p", "8080", "-e", "echo", "hello"]
    start_pod(kubectl, namespace, restricted_pod("server", serve))
    sockets = ("exec", "server", "-n", namespace, "--", "sh", "-c", "cat /proc/net/tcp*")
    wait_until(lambda: ":1F90 " in kubectl(*sockets), 30, "a server that listens")  # 8080
    forward = Process(
        "port-forward", kubectl.command(["port-forward", "-n", namespace, "pod/server", ":8080"]), tmp_path
    )
    forward.ready = lambda: "Forwarding from 127.0.0.1:" in forward.log
    with forward:
        port = int(forward.log.partition("127.0.0.1:")[2].split()[0])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            assert connection.makefile().readline() == "hello\n"


def test_restricted_refuses_a_privileged_pod(kubectl: Kubectl, namespace: str) -> None:
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted:latest": privileged'):
        kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(PRIVILEGED))


def test_kubelet_may_not_do_what_other_nodes_may(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "of-no-pod", "-n", "default")
    kubelet = Kubectl(cluster.control_plane.kubeconfigs["system:node:node"])
    with pytest.raises(KubectlError, match="no relationship found between node 'node' and this object"):
        kubelet("get", "secret", "of-no-pod", "-n", "default")
    with pytest.raises(KubectlError, match='node "node" is not allowed to modify node "other"'):
        kubelet("create", "-f", "-", stdin='{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "other"}}')


def test_kubelet_answers_nobody_it_does_not_know(cluster: Cluster) -> None:
    with pytest.raises(RestError, match="401"):
        Rest(f"https://{cluster.address}:10250", ca_file=None).request("GET", "/pods")


def test_image_that_cannot_be_read_is_an_error(cluster: Cluster, tmp_path: Path) -> None:
    archive = tmp_path / "broken.tar"
    archive.write_bytes(b"no archive")
    with pytest.raises(ProcessError, match=r"images of .*broken\.tar"):
        cluster.load_image(archive)
