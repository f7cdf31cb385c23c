"""What the API server answers when it does not do what was asked, and what that means for a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.core.errors import Reason, RefusedError, SourceError, StallingError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
GONE = 410
TOO_LARGE = 413
INVALID = 422

# These come as HTTP 500, and no retry helps.
_TOO_LARGE_FOR_ETCD = ("request is too large", "message larger than max")

# Unauthorized is among them because a token may just be rotating.
_TRANSIENT = {401, 408, 409, 425, 429}


class ApiError(Exception):
    """The API server refused.

    Attributes
    ----------
    status
        HTTP status.
    reason
        Machine-readable reason, `AlreadyExists` say, or empty.
    message
        Its words, or empty.
    details
        What it says of each field: `reason`, `message`, `field`.
    causes
        The reasons of these, `NamespaceTerminating` say.
    """

    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        self.status = status
        # Only a Status is the API server's: a gateway before it answers with JSON of its own.
        words = answer if answer.get("kind") == "Status" else {}
        self.reason: str = words.get("reason") or ""
        self.message: str = words.get("message") or ""
        self.details: tuple[Mapping[str, Any], ...] = tuple((words.get("details") or {}).get("causes") or ())
        self.causes = frozenset(cause.get("reason", "") for cause in self.details)
        super().__init__(f"HTTP {status} {self.reason}".rstrip())


class UnreachableError(Exception):
    """The API server did not answer."""


class AnswerTooLongError(UnreachableError):
    """The API server answered with more than is read. Nobody knows whether a write was carried out."""


def is_transient(error: ApiError) -> bool:
    """Tell whether the same call may well succeed a little later."""
    return error.status in _TRANSIENT or not 400 <= error.status < 500  # noqa: PLR2004 (HTTP: client errors)


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
    if error.status == TOO_LARGE or any(words in error.message for words in _TOO_LARGE_FOR_ETCD):
        return StallingError(
            Reason.TOO_LARGE,
            f"{what}: it is more than the Kubernetes API server can store, with its keys and metadata "
            f"({error.message or error}). Use spec.select for a part of it, or a format that writes one file.",
        )
    if is_transient(error):
        words = f": {error.message}" if error.message else "."
        return TransientError(Reason.TARGET_UNAVAILABLE, f"{what}: the Kubernetes API server answered {error}{words}")
    if "NamespaceTerminating" in error.causes:
        return TransientError(Reason.TARGET_UNAVAILABLE, f"{what}: its namespace is being deleted.")
    words = f"{what}: the Kubernetes API server refused the write: {error.message or error}"
    if error.status == FORBIDDEN:
        # An API server that has just started refuses what it allows a moment later, so it may still pass.
        return RefusedError(Reason.TARGET_REJECTED, words)
    return StallingError(Reason.TARGET_REJECTED, words)
