"""What botocore reports of a call that AWS refused, read with care: codes, names, ARNs, plain words, no whole message.

The codes are those of the common errors of AWS, and of the service models of AppConfig and STS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.text import bounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import ClientError

ACCESS_DENIED = {"AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedOperation", "OptInRequired"}
BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
THROTTLED = {
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
INVALID = {"BadRequestException", "ValidationError", "ValidationException"}

_CALLER = re.compile(r"User: (arn:[a-z0-9-]+:(?:iam|sts)::\d{12}:[\w+=,.@/-]+)")
_CODE = re.compile(r"[A-Za-z][A-Za-z.]{1,63}")
_ACTION = re.compile(r"\b([a-z0-9-]+:[A-Z][A-Za-z]+)\b")

_WORD = r"(?=[A-Za-z])[A-Z]{0,8}(?:[a-z]{1,16}(?:[A-Z][a-z]{1,15}){0,4})?(?:'[a-z])?"
_PLAIN = re.compile(rf"[(\[]?(?:{_WORD}|\d{{1,3}})[)\]]?[.,:;]?")
"""A word of a language, the name of an error, a status. Tokens, keys, IDs and values have other characters, or more in
a row."""

_LONGEST_WORDS = 300
_BEHIND = re.compile(r"\bStatus Code: (\d{3}); Error Code: ([A-Za-z.]{1,64})(?=[;)])")


def caller_in(error: ClientError) -> str | None:
    """Return the ARN of the caller, where the message of AWS names one."""
    # An ARN elsewhere in it is that of the role or resource that is denied.
    found = _CALLER.search(message_of(error))
    return found[1] if found else None


def action_in(error: ClientError) -> str | None:
    """Return the action that was denied, where the message of AWS names one."""
    found = _ACTION.search(message_of(error))
    return found.group() if found else None


def code_of(error: ClientError) -> str:
    """Return the error code, or an empty text."""
    return str(error.response.get("Error", {}).get("Code") or "")


def message_of(error: ClientError) -> str:
    """Return the message, which is not to be shown: it could quote what was sent."""
    # botocore takes over what the answer has, which may be null.
    return str(error.response.get("Error", {}).get("Message") or "")


def words_of(error: ClientError) -> str:
    """Return what can be shown of the message."""
    return plain_words(message_of(error))


def plain_words(message: str) -> str:
    """Return the plain words of a message, with an ellipsis in place of everything else."""
    shown: list[str] = []
    for text in message.split():
        if _PLAIN.fullmatch(text):
            shown.append(text)
        elif not shown or shown[-1] != "…":
            shown.append("…")
    return bounded(" ".join(shown), _LONGEST_WORDS).rstrip(".") if shown != ["…"] else ""


def service_behind(error: ClientError) -> tuple[str, int]:
    """Return the error code and the HTTP status of another service of AWS that a message passes on, or nothing."""
    found = _BEHIND.search(message_of(error))
    return (found[2], int(found[1])) if found else ("", 0)


def status_of(error: ClientError) -> int:
    """Return the HTTP status, or 0."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def word_or(text: object, default: str) -> str:
    """Return a text if it looks like one of AWS's words, else the default."""
    return text if isinstance(text, str) and _CODE.fullmatch(text) else default


def members_of(error: ClientError) -> Mapping[str, Any]:
    """Return the members that the service model gives the exception, which the types of botocore do not know."""
    return dict(error.response)
