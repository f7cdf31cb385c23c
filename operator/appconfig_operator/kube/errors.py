"""Errors of calls of the API server, and what they mean for a source."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.errors import ForbiddenError, Reason, SourceError, StallingError, TransientError
from appconfig_operator.kube import safe_messages
from appconfig_operator.kube.retry_after import from_status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
GONE = 410
TOO_LARGE = 413
INVALID = 422

# These come as HTTP 500, and no retry helps.
_TOO_LARGE_FOR_ETCD = ("request is too large", "message larger than max")

_IMMUTABLE = "`immutable` is set"
# 'configmaps is forbidden: User "…" cannot create resource "configmaps" in API group ""', as JSON has it.
_NO_RIGHT = re.compile(rb'forbidden: User \\*".{1,500}?" cannot [a-z]+ resource ')

_SAYS_NOTHING = {401, 408, 429}

# Unauthorized is among them because a token may just be rotating.
_TRANSIENT = {401, 408, 409, 425, 429}


class ApiError(Exception):
    """The API server refused. What it said is kept only as far as it is safe to show.

    Parameters
    ----------
    status
        HTTP status.
    answer
        The body.
    retry_after
        Seconds until the next attempt, by its `Retry-After` header, or 0.

    Attributes
    ----------
    status
        HTTP status.
    reason
        Machine-readable reason, `AlreadyExists` say, or empty.
    message
        Why it refused, in the middle of a sentence, or empty. Never the API server's own text, which quotes what was
        sent.
    remedy
        What to do about it, as a sentence, or empty.
    details
        What it says of each field: `reason`, `field`, and a `message` like the above.
    causes
        The reasons of these, `NamespaceTerminating` say.
    other_uid
        Whether the object is gone, or another one has its name.
    too_large
        Whether it was more than the API server stores.
    retry_after
        Seconds until the next attempt, within bounds, or 0.
    """

    def __init__(self, status: int, answer: Mapping[str, Any], *, retry_after: float = 0.0) -> None:
        self.status = status
        # Only a Status comes from the API server: a gateway in front of it sends JSON of its own.
        said = answer if answer.get("kind") == "Status" else {}
        fact = safe_messages.explain(said)
        self.reason = safe_messages.known_reason(said)
        self.details = () if fact is not None and fact.foreign else safe_messages.known_causes(said)
        self.causes = frozenset(cause["reason"] for cause in self.details if cause["reason"])
        self.message = safe_messages.describe_causes(self.details) if fact is None else fact.text
        self.remedy = "" if fact is None else fact.remedy
        self.other_uid = self.message == safe_messages.ANOTHER_UID or any(
            cause["field"] == "metadata.uid" for cause in self.details
        )
        self.too_large = status == TOO_LARGE or any(text in str(said.get("message")) for text in _TOO_LARGE_FOR_ETCD)
        self.retry_after = max(retry_after, from_status(said))
        super().__init__(f"HTTP {status} {self.reason}".rstrip())

    @property
    def explanation(self) -> str:
        """Why it refused and what to do about it, as sentences for the end of a message."""
        return " ".join(filter(None, (f"{self.message or self}.", self.remedy)))


def was_authorized(status: int | None, body: bytes) -> bool | None:
    """Return whether the API server authorized a call, or `None` where the response does not show it.

    Parameters
    ----------
    status
        HTTP status, or `None` without a response.
    body
        Of the response, as far as it is known: quotas and webhooks refuse with the same status as a missing permission.
    """
    if status == FORBIDDEN:
        return False if not body or _NO_RIGHT.search(body) else None
    return None if status is None or status in _SAYS_NOTHING or status >= 500 else True  # noqa: PLR2004 (HTTP: server errors)


class UnreachableError(Exception):
    """The API server did not respond."""


class ResponseTooLongError(UnreachableError):
    """The response has more than is read. It is unknown whether a write was carried out."""


class UnreadableError(UnreachableError):
    """The response is not a JSON object: something in between sent it, or an object is too deep to be parsed."""


def is_transient(error: ApiError) -> bool:
    """Return whether the same call may succeed a little later."""
    return error.status in _TRANSIENT or not 400 <= error.status < 500  # noqa: PLR2004 (HTTP: client errors)


@contextmanager
def target_errors(what: str) -> Iterator[None]:
    """Turn failed calls about a ConfigMap into errors of the source: see `target_error`."""
    try:
        yield
    except (ApiError, UnreachableError) as error:
        raise target_error(error, what) from error


def target_error(error: ApiError | UnreachableError, what: str) -> SourceError:
    """Turn a failed call about a ConfigMap into an error of the source.

    Parameters
    ----------
    error
        How the call failed.
    what
        What it was about, "ConfigMap shop/checkout".
    """
    if isinstance(error, UnreachableError):
        return TransientError(
            Reason.TARGET_UNAVAILABLE, f"{what}: the Kubernetes API server could not be reached ({error})."
        )
    if error.too_large:
        return StallingError(
            Reason.TOO_LARGE,
            f"{what}: with its keys and metadata, it is more than the Kubernetes API server can store "
            f"({error.message or error}). Use spec.select for a part of it, or a format that writes one file.",
        )
    if is_transient(error):
        said = f": {error.explanation}" if error.message else "."
        return TransientError(
            Reason.TARGET_UNAVAILABLE,
            f"{what}: the Kubernetes API server answered {error}{said}",
            retry_after=error.retry_after,
        )
    if "NamespaceTerminating" in error.causes:
        return TransientError(Reason.TARGET_UNAVAILABLE, f"{what}: its namespace is being deleted.")
    refusal = f"{what}: the Kubernetes API server refused the write: {error.explanation}"
    if _IMMUTABLE in error.message:
        refusal += " Delete it so that it is created again, or set a different spec.target.name."
    if error.status == FORBIDDEN:
        # An API server that has just started refuses what it allows a moment later, so it may still pass.
        return ForbiddenError(Reason.TARGET_REJECTED, refusal)
    return StallingError(Reason.TARGET_REJECTED, refusal)
