"""Responses of the API server: JSON, read up to a bound."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from appconfig_operator.kube.errors import ApiError, ResponseTooLongError, UnreachableError, UnreadableError
from appconfig_operator.kube.retry_after import from_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from urllib3 import BaseHTTPResponse

RESPONSE_BYTES = 16_000_000
"""The most that is read of a response, or of an event of a stream. In etcd, an object has 1.5 MB at most; as JSON, it
may be six times as long, with control characters in it."""


def read(response: BaseHTTPResponse, limit: int) -> bytes:
    """Read a response to its end. One beyond the limit is abandoned with its connection.

    Raises
    ------
    ResponseTooLongError
        When it has more. Errors of urllib3 pass through.
    """
    raw = response.read(limit + 1)
    if len(raw) > limit:
        response.close()
        raise ResponseTooLongError(f"an answer of more than {limit:,} bytes")
    response.release_conn()
    return raw


def json_lines(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the object of each line of a stream.

    Raises
    ------
    UnreachableError
        When a line is not an object, or has no end.
    """
    rest = b""
    for chunk in chunks:
        *found, rest = (rest + chunk).split(b"\n")
        if len(rest) > RESPONSE_BYTES:
            raise ResponseTooLongError(f"a line of more than {RESPONSE_BYTES:,} bytes")
        for line in found:
            event = json_object(line)
            if event is None:
                raise UnreachableError("a line that is not a JSON object")
            yield event


def json_object(raw: bytes) -> dict[str, Any] | None:
    """Return the JSON object, or `None` where it is not one."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def decoded(response: BaseHTTPResponse, raw: bytes) -> dict[str, Any]:
    """Return the object in a response.

    Raises
    ------
    ApiError
        When the API server refuses.
    UnreadableError
        When something in between sent it, so that the outcome is unknown. Or the object is nested deeper than Python
        goes.
    """
    found = json_object(raw)
    success = 200 <= response.status < 300  # noqa: PLR2004 (HTTP: success)
    if success and found is not None:
        return found
    if success:
        raise UnreadableError("an answer that is not a JSON object")
    raise api_error(response, raw)


def api_error(response: BaseHTTPResponse, raw: bytes) -> ApiError:
    """Return the error that a response stands for."""
    retry_after = from_header(response.headers.get("Retry-After"), time.time())
    return ApiError(response.status, json_object(raw) or {}, retry_after=retry_after)
