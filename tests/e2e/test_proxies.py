"""An API server that only a proxy leads to: the operator takes `proxy-url` and `tls-server-name`, as kubectl does."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import wait_until
from sandbox.kube.keys import write_private
from sandbox.kube.operator_process import NAMESPACE, SERVICE_ACCOUNT, allow_leases, operator
from sandbox.processes.connect_proxy import ConnectProxy
from tests.e2e.support.scene import TIMEOUT, check_log, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sandbox import ControlPlane, Process
    from tests.e2e.support.scene import Scene

USER, PASSWORD = "someone", "p@ss (w0rd)"
QUOTED = "p%40ss%20%28w0rd%29"  # libraries may show it in yet other ways
NAME = "kubernetes.default.svc"
"""One of those in the certificate of the API server."""

NOWHERE = "https://api.invalid:6443"


@contextmanager
def running(
    control_plane: ControlPlane,
    scene: Scene,
    folder: Path,
    *,
    cluster: Mapping[str, Any],
    aws: Mapping[str, str],
) -> Iterator[Process]:
    """Run an operator whose kubeconfig has some more settings of the cluster."""
    allow_leases(control_plane, scene.namespace)
    content = json.loads(control_plane.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT).read_text("utf-8"))
    content["clusters"][0]["cluster"].update(cluster)
    kubeconfig = write_private(folder / "kubeconfig", json.dumps(content))
    process = operator(
        control_plane,
        folder,
        aws=aws,
        arguments=["--log-format=text", f"--namespace={scene.namespace}"],
        lease_namespace=scene.namespace,
        kubeconfig=kubeconfig,
    )
    with process:
        yield process
    assert all(secret not in process.log for secret in ("w0rd", USER, "Basic "))


def serve(scene: Scene) -> None:
    """Let all ways to the API server be gone: calls, the watch on sources, and those on ConfigMaps."""
    scene.deploy(value("1").encode(), content_type="text/plain")
    scene.apply("checkout")
    scene.wait_for("checkout", "Synced")
    scene.wait_for_content("checkout", {"config.txt": value("1")})
    scene.delete_config_map("checkout")
    scene.wait_for_content("checkout", {"config.txt": value("1")})
    theirs = f"theirs-{uuid.uuid4().hex[:6]}"
    scene.write_config_map(theirs, {"a": "b"})
    scene.apply("waits", target={"name": theirs})
    scene.wait_for("waits", "TargetNotOwned")
    scene.delete_config_map(theirs)
    scene.wait_for_content(theirs, {"config.txt": value("1")})


def test_proxy_url_and_tls_server_name_lead_the_watch_as_they_lead_calls(
    installed: ControlPlane, scene: Scene, aws: Mapping[str, str], tmp_path: Path
) -> None:
    with ConnectProxy(installed.url, user=USER, password=PASSWORD) as proxy:
        way = proxy.url.replace("https://", f"http://{USER}:{QUOTED}@")
        cluster = {"server": NOWHERE, "proxy-url": way, "tls-server-name": NAME}
        with running(installed, scene, tmp_path, cluster=cluster, aws=aws) as process:
            serve(scene)
            check_log(process)
            assert proxy.refused == 0
            # Whatever is reported of a proxy that does not answer, and of one that refuses, has no password in it.
            proxy.cut()
            wait_until(lambda: "will retry" in process.log, TIMEOUT, "a line about a call of the watch")
            proxy.refuse()
            proxy.restore()
            wait_until(lambda: "The watch ended (" in process.log, TIMEOUT, "a line about the end of the watch")
            wait_until(lambda: "cannot be reached (ProxyError)" in process.log, TIMEOUT, "a line with the remedy")
        assert set(proxy.tunnels) == {"api.invalid:6443"}
        assert proxy.refused > 0


def test_a_proxy_of_the_environment_leads_the_watch_as_it_leads_calls(
    installed: ControlPlane, scene: Scene, aws: Mapping[str, str], tmp_path: Path
) -> None:
    with ConnectProxy(installed.url, user=USER, password=PASSWORD) as proxy:
        way = proxy.url.replace("https://", f"http://{USER}:{QUOTED}@")
        environment = {**aws, "HTTPS_PROXY": way, "NO_PROXY": "127.0.0.1"}
        cluster = {"server": f"https://{NAME}"}
        with running(installed, scene, tmp_path, cluster=cluster, aws=environment) as process:
            serve(scene)
        check_log(process)
        assert set(proxy.tunnels) == {f"{NAME}:443"}


@pytest.mark.parametrize("cluster", [{"proxy-url": "http://127.0.0.1:9"}, {}], ids=["kubeconfig", "environment"])
def test_no_proxy_leads_past_it(
    installed: ControlPlane, scene: Scene, aws: Mapping[str, str], tmp_path: Path, cluster: Mapping[str, Any]
) -> None:
    environment = {**aws, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.0/8"}
    with running(installed, scene, tmp_path, cluster=cluster, aws=environment) as process:
        serve(scene)
    check_log(process)


def test_a_dead_proxy_is_named_without_its_password(
    installed: ControlPlane, scene: Scene, aws: Mapping[str, str], tmp_path: Path
) -> None:
    cluster = {"server": NOWHERE, "proxy-url": f"http://{USER}:{QUOTED}@127.0.0.1:9"}
    with running(installed, scene, tmp_path, cluster=cluster, aws=aws) as process:
        reported = f"The Kubernetes API server {NOWHERE} cannot be reached"
        wait_until(lambda: reported in process.log, TIMEOUT, "a line about the API server")
        (line,) = (line for line in process.log.splitlines() if reported in line)
        words = "It is reached through the proxy http://127.0.0.1:9 (HTTPS_PROXY, or proxy-url of the kubeconfig)"
        assert words in line
