"""How to reach the API server, and as whom: for ordinary calls and for Kopf's watch alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from kubernetes import client, config
from kubernetes.client.rest import should_bypass_proxies
from urllib3.util import make_headers

if TYPE_CHECKING:
    import ssl

_LONGEST_SHOWN = 200
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConnectionSettingsError(Exception):
    """The settings name no API server. The message says what to set."""


def in_cluster() -> bool:
    """Return whether this process runs in a Pod with a ServiceAccount."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and (_SERVICE_ACCOUNT / "token").is_file()


def own_namespace() -> str:
    """Return the Pod's namespace, else that of the kubeconfig's context, else `default`, as kubectl does."""
    try:
        if in_cluster():
            return (_SERVICE_ACCOUNT / "namespace").read_text(encoding="ascii").strip()
        _, current = config.list_kube_config_contexts()  # type: ignore[no-untyped-call]
        return str(current["context"].get("namespace") or "default")
    except (OSError, config.ConfigException):
        return "default"


def own_token() -> str:
    """Return the token of the Pod's ServiceAccount, or empty where it cannot be read."""
    try:
        return (_SERVICE_ACCOUNT / "token").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def load() -> client.Configuration:
    """Read the settings: the Pod's ServiceAccount, else what `KUBECONFIG` says; the proxy, if one is to be used.

    Raises
    ------
    ConnectionSettingsError
        When neither is there, the kubeconfig cannot be used, or the proxy cannot.
    """
    configuration = client.Configuration()
    try:
        if in_cluster():
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except Exception as error:  # the client meets a file that is not a kubeconfig with whatever error comes first
        # Not the text of the error: a parser quotes the file, and a kubeconfig holds credentials.
        raise ConnectionSettingsError(_unusable(os.environ.get("KUBECONFIG", "~/.kube/config"), error)) from error
    try:
        _settle_proxy(configuration)
    except ValueError as error:
        raise unusable_proxy(error) from error
    return configuration


def _settle_proxy(configuration: client.Configuration) -> None:
    """Decide which proxy to use, and as which user, so that no library decides otherwise."""
    proxy = configuration.proxy
    if not proxy or should_bypass_proxies(configuration.host, configuration.no_proxy or ""):
        configuration.proxy = None
        return
    if "://" not in proxy:
        proxy = f"http://{proxy}"  # as the AWS SDK and curl take it
    configuration.proxy = proxy
    parts = urlsplit(proxy)
    if parts.username is not None:  # urllib3 passes over what is in the URL
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        configuration.proxy_headers = make_headers(proxy_basic_auth=user)


def _same_host(one: str | bytes | None, other: str | None) -> bool:
    return isinstance(one, str) and other is not None and one.rstrip(".").lower() == other.rstrip(".").lower()


def unusable_proxy(error: Exception) -> ConnectionSettingsError:
    """Say that the proxy cannot be used. Not in the error's words: they quote it, and it may have a password in it."""
    return ConnectionSettingsError(
        f"the proxy (HTTPS_PROXY, or proxy-url of the kubeconfig) cannot be used ({type(error).__name__}): "
        "it must begin with http:// or https://"
    )


def expect(context: ssl.SSLContext, name: str, *, instead_of: str | None) -> None:
    """Let connections to one host ask for a certificate of another name: `tls-server-name` of a kubeconfig.

    Not those to an `https` proxy, which come by the same context.
    """
    wrap = context.wrap_bio

    def wrapped(
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 (as the method has it)
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        wanted = name if _same_host(server_hostname, instead_of) else server_hostname
        return wrap(incoming, outgoing, server_side, wanted, session)

    context.wrap_bio = wrapped  # type: ignore[method-assign]


def _unusable(where: str, error: Exception) -> str:
    if in_cluster():
        return (
            f"no Kubernetes API server: the files of the Pod's ServiceAccount cannot be used ({type(error).__name__}). "
            f"They are in {_SERVICE_ACCOUNT}: ca.crt, namespace and token."
        )
    # os.path, as it never raises. A path that cannot be one may be the content itself, which is not to be shown.
    if len(where) > _LONGEST_SHOWN or "\n" in where:
        problem = "the variable KUBECONFIG is not the name of a file."
    elif not any(os.path.exists(os.path.expanduser(path)) for path in where.split(os.pathsep)):  # noqa: PTH110, PTH111 (see above)
        problem = f"the kubeconfig file {where!r} does not exist or cannot be read. The variable KUBECONFIG names one."
    else:
        problem = (
            f"{where} cannot be used as a kubeconfig file ({type(error).__name__}), or names a context or a file that "
            "does not exist. `kubectl config view` shows what is in it; the variable KUBECONFIG names another one."
        )
    return f"no Kubernetes API server: this is not a Pod, and {problem}"
