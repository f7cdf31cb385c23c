"""Requests and answers of the data plane, in the protocol restJson1."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from sandbox.aws.appconfig import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

INITIAL_TOKEN = "InitialConfigurationToken"  # noqa: S105 - the name of a field
NEXT_TOKEN = "Next-Poll-Configuration-Token"  # noqa: S105 - the same
NEXT_INTERVAL = "Next-Poll-Interval-In-Seconds"
VERSION_LABEL = "Version-Label"

_CREDENTIAL = re.compile(r"Credential=([^/]+)/[^/]+/([^/]+)/")

_OF_OTHER_PROTOCOLS = {"__type", "code", "message"}

DEFAULT_POLL_INTERVAL = 60
"""Seconds, if a session does not request an interval."""


class Operation(StrEnum):
    """The two calls of the data plane, and everything else."""

    START = "StartConfigurationSession"
    LATEST = "GetLatestConfiguration"
    OTHER = "Other"


class Problem(StrEnum):
    """What can be wrong with a parameter."""

    CORRUPTED = "Corrupted"
    EXPIRED = "Expired"
    TOO_EARLY = "PollIntervalNotSatisfied"


@dataclass(frozen=True)
class Incoming:
    """A request."""

    method: str
    target: str
    """The path and the query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def operation(self) -> Operation:
        """Which call it is."""
        match self.method, urlsplit(self.target).path:
            case "POST", "/configurationsessions":
                return Operation.START
            case "GET", "/configuration":
                return Operation.LATEST
        return Operation.OTHER

    @property
    def token(self) -> str:
        """The token of GetLatestConfiguration, or empty."""
        return parse_qs(urlsplit(self.target).query).get("configuration_token", [""])[0]

    @property
    def access_key(self) -> str:
        """The access key that signed it, or empty."""
        found = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        return found[1] if found else ""

    @property
    def region(self) -> str:
        """The region that it was signed for, or empty."""
        found = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        return found[2] if found else ""

    @property
    def accept(self) -> str:
        """What the caller accepts, or empty."""
        return next((value for name, value in self.headers.items() if name.lower() == "accept"), "")

    @property
    def place(self) -> Place:
        """What StartConfigurationSession names: names or identifiers."""
        asked = self._asked
        return Place(
            application=str(asked.get("ApplicationIdentifier", "")),
            environment=str(asked.get("EnvironmentIdentifier", "")),
            profile=str(asked.get("ConfigurationProfileIdentifier", "")),
        )

    @property
    def poll_interval(self) -> int:
        """The poll interval, in seconds, that StartConfigurationSession requests."""
        return int(str(self._asked.get("RequiredMinimumPollIntervalInSeconds") or DEFAULT_POLL_INTERVAL))

    @property
    def _asked(self) -> dict[str, object]:
        try:
            asked = json.loads(self.body)
        except ValueError:
            return {}
        return asked if isinstance(asked, dict) else {}


@dataclass(frozen=True)
class Answer:
    """An answer, without the headers that frame it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return a header, regardless of case, or empty."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


def refusal(status: int, code: str, message: str | None, **members: object) -> Answer:
    """Make an error.

    Parameters
    ----------
    status
        The HTTP status.
    code
        The name of the exception.
    message
        AWS's message; None: none.
    members
        Further members of the exception.

    Returns
    -------
    Answer
        With the header that names the exception. In it, the name ends with a colon.
    """
    said = {} if message is None else {"Message": message}
    return Answer(
        status, {"Content-Type": "application/json", "x-amzn-ErrorType": f"{code}:"}, compact({**said, **members})
    )


def reshaped(answer: Answer) -> Answer:
    """Convert a refusal by MiniStack to AWS's form: one header names the exception."""
    if answer.status < HTTPStatus.BAD_REQUEST:
        return answer
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    members = said if isinstance(said, dict) else {}
    code = answer.header("x-amzn-ErrorType") or str(members.get("__type") or members.get("Code") or "")
    if not code:
        return answer  # not from a server that knows the protocol
    message = members.get("Message", members.get("message"))
    more = {name: value for name, value in members.items() if name.lower() not in _OF_OTHER_PROTOCOLS}
    return refusal(answer.status, code.rpartition("#")[2].partition(":")[0], message, **more)


def compact(value: object) -> bytes:
    """Write JSON as AWS does, without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def invalid_parameter(parameter: str, problem: str, message: str) -> Answer:
    """Make the BadRequestException about one parameter."""
    details = {"InvalidParameters": {parameter: {"Problem": problem}}}
    return refusal(HTTPStatus.BAD_REQUEST, "BadRequestException", message, Reason="InvalidParameters", Details=details)


_TOKEN_PROBLEMS = {
    Problem.CORRUPTED: "Token not valid",
    Problem.EXPIRED: "Configuration token has expired",  # never recorded
    Problem.TOO_EARLY: "Request too early",
}


def invalid_token(problem: Problem) -> Answer:
    """Make the BadRequestException about a token."""
    return invalid_parameter("ConfigurationToken", problem, _TOKEN_PROBLEMS[problem])


def not_found(resource_type: str, **referenced_by: str) -> Answer:
    """Make the ResourceNotFoundException about one resource, with the parameters that referred to it."""
    return refusal(
        HTTPStatus.NOT_FOUND,
        "ResourceNotFoundException",
        f"{resource_type} not found",
        ResourceType=resource_type,
        ReferencedBy=referenced_by,
    )


def no_deployment(place: Place) -> Answer:
    """Make the answer to StartConfigurationSession if nothing is deployed. It names two of the three."""
    return not_found(
        "Deployment",
        ConfigurationProfileIdentifier=place.profile,
        EnvironmentIdentifier=place.environment,
    )
