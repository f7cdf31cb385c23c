"""How the API server is found, and the error when it is not."""

from __future__ import annotations

import json
import ssl
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.config import incluster_config, kube_config
from urllib3 import ProxyManager
from urllib3.util import make_headers

from appconfig_operator.kube import connection as module
from appconfig_operator.kube.api import connect
from appconfig_operator.kube.connection import ConnectionSettingsError, in_cluster, own_namespace
from appconfig_operator.watches import handlers

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


def test_token_is_read_again(pod: Path) -> None:
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


@pytest.mark.parametrize("missing", ["ca.crt", "token"])
def test_a_pod_whose_files_are_empty_gets_an_error_that_says_so(pod: Path, missing: str) -> None:
    pod.with_name(missing).write_text("", encoding="utf-8")
    with pytest.raises(ConnectionSettingsError, match="the files of the Pod's ServiceAccount cannot be used"):
        connect(workers=1)


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
    with pytest.raises(ConnectionSettingsError, match=r"'~/\.kube/config' does not exist or cannot be read"):
        connect(workers=1)


@pytest.mark.parametrize("value", ["~nobody-at-all/config", "", "a" * 300, f"{SECRET}\n{SECRET}"], ids=ascii)
def test_a_name_that_is_not_a_file(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("KUBECONFIG", value)
    with pytest.raises(ConnectionSettingsError, match="KUBECONFIG") as error:
        connect(workers=1)
    assert SECRET not in str(error.value)


def test_kubeconfig_that_cannot_be_read(tmp_path: Path) -> None:
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


PROXY = f"http://someone:{SECRET}%40@proxy.example:3128"


def with_cluster(tmp_path: Path, **cluster: Any) -> None:
    content = kubeconfig(clusters=[{"name": "a", "cluster": {"server": "https://api.example:6443"} | cluster}])
    (tmp_path / "config").write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.usefixtures("no_proxies")
@pytest.mark.parametrize(
    ("cluster", "environment", "taken"),
    [
        ({}, {}, None),
        ({"proxy-url": PROXY}, {}, PROXY),
        ({"proxy-url": PROXY}, {"HTTPS_PROXY": "http://other.example"}, PROXY),
        ({}, {"HTTPS_PROXY": PROXY}, PROXY),
        ({}, {"HTTPS_PROXY": "proxy.example:3128"}, "http://proxy.example:3128"),
        ({}, {"HTTP_PROXY": PROXY}, None),
        ({"proxy-url": PROXY}, {"NO_PROXY": ".example"}, None),
        ({}, {"HTTPS_PROXY": PROXY, "NO_PROXY": "api.example"}, None),
        ({}, {"HTTPS_PROXY": PROXY, "NO_PROXY": "other.example"}, PROXY),
    ],
)
def test_calls_and_the_watch_take_the_same_proxy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cluster: dict[str, str],
    environment: dict[str, str],
    taken: str | None,
) -> None:
    with_cluster(tmp_path, **cluster)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    api = connect(workers=1)
    api._client.configuration.auth_settings()  # reads the kubeconfig again, as each call may
    manager = api._client.rest_client.pool_manager
    shown = "http://proxy.example:3128" if taken else ""
    assert (str(manager.proxy or "").replace(f"someone:{SECRET}%40@", ""), api.proxy) == (shown, shown)
    if taken and "@" in taken:
        assert isinstance(manager, ProxyManager)
        assert manager.proxy_headers == make_headers(proxy_basic_auth=f"someone:{SECRET}@")
    login = handlers.login()
    assert (login.server, login.proxy_url, login.trust_env) == ("https://api.example:6443", taken, False)


@pytest.mark.usefixtures("no_proxies")
def test_the_watch_takes_what_calls_take(tmp_path: Path) -> None:
    with_cluster(tmp_path, **{"tls-server-name": "kubernetes", "insecure-skip-tls-verify": True})
    login = handlers.login()
    assert (login.tls_server_name, login.insecure, login.scheme, login.token) == ("kubernetes", True, "Bearer", SECRET)
    assert handlers.login() == login, "Kopf tries no login again that was refused"
    with_cluster(tmp_path)
    assert handlers.login() != login
    assert handlers.login().as_ssl_context().check_hostname


@pytest.mark.usefixtures("no_proxies")
def test_the_certificate_is_asked_for_by_the_name_that_the_kubeconfig_says(tmp_path: Path) -> None:
    with_cluster(tmp_path, server="https://API.example.:6443", **{"tls-server-name": "kubernetes"})
    context = handlers.login().as_ssl_context()
    assert context.check_hostname

    def asked(host: str) -> str | bytes | None:
        return context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=host).server_hostname

    assert asked("api.example") == "kubernetes"
    assert asked("proxy.example") == "proxy.example", "TLS with a proxy"


def test_a_token_of_a_pod_that_was_replaced_is_read_by_the_next_login(pod: Path) -> None:
    assert handlers.login().token == "first"
    pod.write_text("second", encoding="utf-8")
    assert handlers.login().token == "second"


def test_a_login_by_an_exec_plugin(tmp_path: Path) -> None:
    status = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {"token": SECRET}}
    plugin = {"apiVersion": status["apiVersion"], "command": "echo", "args": [json.dumps(status)]}
    content = kubeconfig(users=[{"name": "a", "user": {"exec": {**plugin, "interactiveMode": "Never"}}}])
    (tmp_path / "config").write_text(json.dumps(content), encoding="utf-8")
    assert handlers.login().token == SECRET
