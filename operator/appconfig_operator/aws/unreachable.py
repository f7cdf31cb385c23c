"""What is told of a service of AWS that could not be reached: where it was looked for, and what to check."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.exceptions import HTTPClientError, ProxyConnectionError, SSLError

from appconfig_operator.aws.answers import SlowBodyError, UnreadableAnswerError

ADVICE = "Check the region, and the operator's way to that host."

PROXY_ADVICE = (
    "Check that the proxy answers and lets the operator through, and HTTPS_PROXY and NO_PROXY of the operator."
)


def unreachable(error: Exception) -> str:
    """Say that something could not be reached, as the end of a sentence, with the way out.

    Parameters
    ----------
    error
        What botocore raised. Of its URLs only host and port are shown: the query may hold a session's token, and that
        of a proxy has a user and a password.
    """
    name, place = type(error).__name__, where(error)
    if not place:
        return f"could not be reached ({name}). Check the operator's way to AWS: region, name server, proxy."
    if isinstance(error, ProxyConnectionError):
        advice = PROXY_ADVICE
    elif isinstance(error, SSLError):
        advice = "TLS with it failed: check AWS_CA_BUNDLE, and whether a proxy stands between."
    else:
        advice = ADVICE
    return f"could not be reached {place} ({name}). {advice}"


def unanswered(error: Exception) -> bool:
    """Tell whether an endpoint gave no answer, or not all of it, in time. Whatever HTTP status there is, it is one."""
    if isinstance(error, UnreadableAnswerError):
        return bool(error.kwargs["kind"] == "ReadTimeoutError")  # of urllib3, in the middle of a body
    return isinstance(error, (HTTPClientError, BotoConnectionError, SlowBodyError))


def where(error: Exception) -> str:
    """Say where something was looked for: "at" its host and port, or "through the proxy". Or nothing."""
    about = getattr(error, "kwargs", {})
    if isinstance(error, ProxyConnectionError):
        return f"through the proxy {_host(about.get('proxy_url')) or 'that HTTPS_PROXY names'}"
    host = _host(about.get("endpoint_url"))
    return f"at {host}" if host else ""


def _host(url: object) -> str:
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    return f"{host}:{port}" if host and port else host or ""
