"""Where the API server is found, and what is said when it is not."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.config import incluster_config, kube_config

from appconfig_operator.kube import api as module
from appconfig_operator.kube.api import ConnectionSettingsError, connect, in_cluster, own_namespace

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The machine that the test runs on may be a Pod, or have a kubeconfig."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_PORT", raising=False)
    monkeypatch.setattr(module, "_SERVICE_ACCOUNT", tmp_path)
    name_kubeconfig(monkeypatch, tmp_path / "config")


def name_kubeconfig(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))  # read when first imported


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Pod with a ServiceAccount; returns its token file."""
    token, certificate = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first", encoding="utf-8")
    certificate.write_text("certificate", encoding="utf-8")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(certificate))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return token


def kubeconfig(**changes: Any) -> dict[str, Any]:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": "https://192.0.2.1:6443"}}],
        "users": [{"name": "a", "user": {"token": SECRET}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    return content | changes


def test_in_cluster(pod: Path) -> None:
    assert in_cluster()
    configuration = connect(workers=7)._client.configuration
    assert configuration.host == "https://10.0.0.1:443"
    assert configuration.get_api_key_with_prefix("BearerToken") == "bearer first"
    assert configuration.ssl_ca_cert == str(pod.with_name("ca.crt"))
    assert configuration.connection_pool_maxsize >= 7
    assert configuration.retries is False


def test_token_is_read_anew(pod: Path) -> None:
    """Kubernetes replaces the token every hour. The client reads it again when a minute has passed."""
    configuration = connect(workers=1)._client.configuration
    pod.write_text("second", encoding="utf-8")
    assert configuration.get_api_key_with_prefix("BearerToken") == "bearer first"
    (loader,) = (
        cell.cell_contents
        for cell in configuration.refresh_api_key_hook.__closure__
        if isinstance(cell.cell_contents, incluster_config.InClusterConfigLoader)
    )
    loader.token_expires_at = datetime.min  # noqa: DTZ901 - the client has no time zone either
    assert configuration.get_api_key_with_prefix("BearerToken") == "bearer second"


def test_pod_wins_over_kubeconfig(pod: Path, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(json.dumps(kubeconfig()), encoding="utf-8")
    assert pod.exists()
    assert connect(workers=1)._client.configuration.host == "https://10.0.0.1:443"


@pytest.mark.parametrize("missing", ["variable", "token"])
def test_not_in_cluster(pod: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    if missing == "variable":
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    else:
        pod.unlink()
    assert not in_cluster()


def test_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(json.dumps(kubeconfig()), encoding="utf-8")
    configuration = connect(workers=1)._client.configuration
    assert configuration.host == "https://192.0.2.1:6443"
    assert configuration.get_api_key_with_prefix("BearerToken") == f"Bearer {SECRET}"


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "text": SECRET.encode(),
    "list": json.dumps([SECRET]).encode(),
    "no yaml": f"token: '{SECRET}\n  :".encode(),
    "binary": b"\xff\xfe\x00" + SECRET.encode(),
    "no context": json.dumps(kubeconfig(**{"current-context": SECRET})).encode(),
    "no current context": json.dumps({k: v for k, v in kubeconfig().items() if k != "current-context"}).encode(),
    "no clusters": json.dumps(kubeconfig(clusters=[])).encode(),
    "clusters of text": json.dumps(kubeconfig(clusters=SECRET)).encode(),
    "no names": json.dumps(kubeconfig(users=[{"user": {"token": SECRET}}])).encode(),
    "certificate missing": json.dumps(
        kubeconfig(clusters=[{"name": "a", "cluster": {"server": "https://a", "certificate-authority": f"/{SECRET}"}}])
    ).encode(),
    "certificate no base64": json.dumps(
        kubeconfig(
            clusters=[{"name": "a", "cluster": {"server": "https://a", "certificate-authority-data": f"{SECRET}="}}]
        )
    ).encode(),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_kubeconfig(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the variable and the file, and quotes nothing of what is in it."""
    (tmp_path / "config").write_bytes(content)
    with pytest.raises(ConnectionSettingsError) as error:
        connect(workers=1)
    assert "KUBECONFIG" in str(error.value)
    assert str(tmp_path / "config") in str(error.value)
    assert SECRET not in str(error.value)
    assert SECRET not in "".join(capsys.readouterr())


def test_no_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionSettingsError, match=f"'{tmp_path / 'config'}' does not exist"):
        connect(workers=1)
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConnectionSettingsError, match=r"'~/\.kube/config' does not exist, or may not be read"):
        connect(workers=1)


@pytest.mark.parametrize("value", ["~nobody-at-all/config", "", "a" * 300, f"{SECRET}\n{SECRET}"], ids=ascii)
def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("KUBECONFIG", value)
    with pytest.raises(ConnectionSettingsError, match="KUBECONFIG") as error:
        connect(workers=1)
    assert SECRET not in str(error.value)


def test_kubeconfig_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    with pytest.raises(ConnectionSettingsError, match="IsADirectoryError"):
        connect(workers=1)


def test_its_own_namespace_is_the_pods(pod: Path) -> None:
    (pod.parent / "namespace").write_text("platform\n", encoding="ascii")
    assert own_namespace() == "platform"


def test_a_pod_that_does_not_know_its_namespace_takes_the_default(pod: Path) -> None:
    assert pod.is_file()
    assert own_namespace() == "default"


@pytest.mark.parametrize(("context", "expected"), [({"namespace": "team"}, "team"), ({}, "default")])
def test_elsewhere_it_is_that_of_the_kubeconfig(tmp_path: Path, context: dict[str, str], expected: str) -> None:
    contexts = [{"name": "a", "context": {"cluster": "a", "user": "a", **context}}]
    (tmp_path / "config").write_text(json.dumps(kubeconfig(contexts=contexts)), encoding="utf-8")
    assert own_namespace() == expected


def test_without_a_kubeconfig_it_is_the_default() -> None:
    assert own_namespace() == "default"


@pytest.mark.parametrize("server", ["https://192.0.2.1:6443", f"https://me:{SECRET}@192.0.2.1:6443/clusters/a"])
def test_the_server_is_shown_without_a_password(tmp_path: Path, server: str) -> None:
    content = kubeconfig(clusters=[{"name": "a", "cluster": {"server": server}}])
    (tmp_path / "config").write_text(json.dumps(content), encoding="utf-8")
    assert connect(workers=1).server == "https://192.0.2.1:6443"


@pytest.mark.usefixtures("pod")
def test_a_proxy_without_a_scheme_is_taken_as_the_aws_sdk_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert connect(workers=1)._client.configuration.proxy == "http://proxy.example:3128"


@pytest.mark.usefixtures("pod")
@pytest.mark.filterwarnings("ignore:SOCKS support in urllib3")
@pytest.mark.parametrize("scheme", ["gopher", "socks5"])
def test_a_proxy_of_another_kind_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://someone:{SECRET}@proxy.example:70")
    with pytest.raises(ConnectionSettingsError, match=r"the proxy \(HTTPS_PROXY, .* cannot be used") as error:
        connect(workers=1)
    assert SECRET not in str(error.value)
