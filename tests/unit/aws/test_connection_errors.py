"""By which route a service was called, and nothing else of the URL."""

from __future__ import annotations

import pytest
from botocore import exceptions as botocore

from appconfig_operator.aws.connection_errors import unreachable

HOST = "appconfigdata.eu-wset-1.amazonaws.com"
TOKEN = "hunter2"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (f"https://{HOST}/configuration?configuration_token={TOKEN}", HOST),
        (f"http://user:{TOKEN}@127.0.0.1:9/{TOKEN}#{TOKEN}", "127.0.0.1:9"),
        (f"https://[::1]:8443/{TOKEN}", "::1:8443"),
    ],
    ids=["query", "everything else", "IPv6"],
)
def test_host_and_port_only(url: str, host: str) -> None:
    words = unreachable(botocore.EndpointConnectionError(endpoint_url=url, error=TOKEN))
    assert words.startswith(f"could not be reached at {host} (EndpointConnectionError).")
    assert "Check the region" in words
    assert TOKEN not in words


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        (f"http://user:{TOKEN}@proxy.example:3128", "proxy.example:3128"),
        (f"http://***:***@proxy.example:3128/{TOKEN}", "proxy.example:3128"),
        (f"user:{TOKEN}@proxy.example:3128", "that HTTPS_PROXY names"),
        ("http://proxy.example", "proxy.example"),
        (f"http://proxy.example:{TOKEN}", "that HTTPS_PROXY names"),
        (None, "that HTTPS_PROXY names"),
    ],
    ids=["password", "masked", "no scheme", "no port", "no URL", "nothing"],
)
def test_a_dead_proxy_is_named_without_its_password(url: str | None, proxy: str) -> None:
    words = unreachable(botocore.ProxyConnectionError(proxy_url=url, error=TOKEN))  # type: ignore[arg-type]
    assert words.startswith(f"could not be reached through the proxy {proxy} (ProxyConnectionError).")
    assert "HTTPS_PROXY and NO_PROXY" in words
    assert TOKEN not in words


@pytest.mark.parametrize(
    "error",
    [
        botocore.ConnectTimeoutError(endpoint_url=f"https://host:{TOKEN}/", error=TOKEN),
        botocore.ReadTimeoutError(endpoint_url=f"https://[{TOKEN}", error=TOKEN),
        botocore.HTTPClientError(error=TOKEN),
        ValueError(TOKEN),
    ],
    ids=["no port", "no URL", "no host", "of something else"],
)
def test_the_remedy_is_given_where_no_host_is_known(error: Exception) -> None:
    words = unreachable(error)
    assert words.startswith(f"could not be reached ({type(error).__name__}). Check the operator's network path to AWS")
    assert TOKEN not in words


@pytest.mark.parametrize(
    "kind",
    [
        botocore.EndpointConnectionError,
        botocore.ConnectTimeoutError,
        botocore.ReadTimeoutError,
        botocore.ConnectionClosedError,
        botocore.SSLError,
        botocore.ProxyConnectionError,
    ],
)
def test_each_has_a_host_and_a_remedy(kind: type[botocore.BotoCoreError]) -> None:
    words = unreachable(kind(endpoint_url=f"https://{HOST}/?{TOKEN}", proxy_url=f"http://{HOST}", error=TOKEN))
    assert HOST in words
    assert "heck " in words
    assert TOKEN not in words


def test_tls_that_failed() -> None:
    error = botocore.SSLError(endpoint_url="https://sts.example:443/?token=x", error=OSError("self-signed"))
    words = unreachable(error)
    assert words.startswith("could not be reached at sts.example:443 (SSLError). TLS failed")
    assert "AWS_CA_BUNDLE" in words
