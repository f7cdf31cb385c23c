"""How an AWS service that could not be reached is described: by which route, and what to check."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.exceptions import HTTPClientError, ProxyConnectionError, SSLError

from appconfig_operator.aws.responses import SlowBodyError, UnreadableAnswerError

ADVICE = "Check the region and the operator's network path to that host."

PROXY_ADVICE = "Check that the proxy is up and allows the operator, and check HTTPS_PROXY and NO_PROXY on the operator."

TLS_ADVICE = "TLS failed: check AWS_CA_BUNDLE, and whether a proxy intercepts the connection."

NOWHERE_ADVICE = "Check the operator's network path to AWS: region, DNS, proxy."


class Route(NamedTuple):
    """Where a call was sent, and what to check.

    Of URLs only host and port are in it: the query may hold a session's token, and that of a proxy has a user and a
    password.

    Attributes
    ----------
    where
        "at" its host and port, or "through the proxy", or nothing.
    advice
        A sentence.
    proxy
        That proxy, when it is what did not answer.
    """

    where: str = ""
    advice: str = NOWHERE_ADVICE
    proxy: str = ""

    def subject(self, service: str) -> str:
        """Name what did not answer, as the subject of a sentence."""
        if self.proxy:
            return f"The proxy {self.proxy}, through which {service} is reached,"
        return f"{service} {self.where}".rstrip()


def route_of(error: Exception) -> Route:
    """Return where a call went, by what botocore raised."""
    about = getattr(error, "kwargs", {})
    if isinstance(error, ProxyConnectionError):
        proxy = _host(about.get("proxy_url")) or "that HTTPS_PROXY names"
        return Route(f"through the proxy {proxy}", PROXY_ADVICE, proxy)
    host = _host(about.get("endpoint_url"))
    if not host:
        return Route()
    return Route(f"at {host}", TLS_ADVICE if isinstance(error, SSLError) else ADVICE)


def unreachable(error: Exception) -> str:
    """Say that something could not be reached, as the end of a sentence, and what to check."""
    where, advice, _ = route_of(error)
    place = f"{where} " if where else ""
    return f"could not be reached {place}({type(error).__name__}). {advice}"


def unanswered(error: Exception) -> bool:
    """Return whether an endpoint gave no answer, or not all of it, in time. Any HTTP status is an answer."""
    if isinstance(error, UnreadableAnswerError):
        return bool(error.kwargs["kind"] == "ReadTimeoutError")  # of urllib3, in the middle of a body
    return isinstance(error, (HTTPClientError, BotoConnectionError, SlowBodyError))


def _host(url: object) -> str:
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    return f"{host}:{port}" if host and port else host or ""
