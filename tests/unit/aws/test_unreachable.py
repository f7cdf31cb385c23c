"""Where a service was looked for, and nothing else of the URL."""

from __future__ import annotations

import pytest
from botocore import exceptions as botocore

from appconfig_operator.aws.unreachable import unreachable

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
    "error",
    [
        botocore.ProxyConnectionError(proxy_url=f"http://user:{TOKEN}@proxy:3128", error=TOKEN),
        botocore.ConnectTimeoutError(endpoint_url=f"https://host:{TOKEN}/", error=TOKEN),
        botocore.ConnectTimeoutError(endpoint_url=TOKEN, error=TOKEN),
        ValueError(TOKEN),
    ],
    ids=["a proxy", "no port", "no URL", "of something else"],
)
def test_no_host_where_none_can_be_told(error: Exception) -> None:
    assert unreachable(error) == f"could not be reached ({type(error).__name__})."


def test_tls_that_failed() -> None:
    error = botocore.SSLError(endpoint_url="https://sts.example:443/?token=x", error=OSError("self-signed"))
    words = unreachable(error)
    assert words.startswith("could not be reached at sts.example:443 (SSLError). TLS with it failed")
    assert "AWS_CA_BUNDLE" in words
