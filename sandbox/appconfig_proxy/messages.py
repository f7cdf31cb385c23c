"""Requests and answers of the data plane, as the protocol restJson1 has them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from sandbox.appconfig import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

INITIAL_TOKEN = "InitialConfigurationToken"  # noqa: S105 - the name of a field
NEXT_TOKEN = "Next-Poll-Configuration-Token"  # noqa: S105 - the same
NEXT_INTERVAL = "Next-Poll-Interval-In-Seconds"
VERSION_LABEL = "Version-Label"

_ACCESS_KEY = re.compile(r"Credential=([^/]+)/")

DEFAULT_POLL_INTERVAL = 60
"""Seconds, where a session asks for nothing."""


class Operation(StrEnum):
    """The two calls of the data plane, and all else."""

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
    """Path and query."""
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
        """The token of GetLatestConfiguration, or nothing."""
        return parse_qs(urlsplit(self.target).query).get("configuration_token", [""])[0]

    @property
    def access_key(self) -> str:
        """Whose key signed it, or nothing."""
        found = _ACCESS_KEY.search(self.headers.get("Authorization", ""))
        return found[1] if found else ""

    @property
    def place(self) -> Place:
        """What StartConfigurationSession asks for: names or identifiers."""
        asked = self._asked
        return Place(
            application=str(asked.get("ApplicationIdentifier", "")),
            environment=str(asked.get("EnvironmentIdentifier", "")),
            profile=str(asked.get("ConfigurationProfileIdentifier", "")),
        )

    @property
    def poll_interval(self) -> int:
        """The poll interval, in seconds, that StartConfigurationSession asks for."""
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
        """Give a header whatever its case, or nothing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def with_headers(self, **values: str | None) -> Answer:
        """Set headers, or leave them out.

        Parameters
        ----------
        values
            Names with ``_`` in place of ``-``, and None for what is to go.

        Returns
        -------
        Answer
            A new one.
        """
        wanted = {name.replace("_", "-").lower(): value for name, value in values.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in wanted}
        return replace(self, headers=kept | {name: value for name, value in wanted.items() if value is not None})


def refusal(status: int, code: str, message: str, **members: object) -> Answer:
    """Make an error.

    Parameters
    ----------
    status
        Of HTTP.
    code
        The name of the exception.
    message
        What AWS would say.
    members
        What else the exception has.

    Returns
    -------
    Answer
        With the header that names the exception.
    """
    body = json.dumps({"Message": message, **members}).encode()
    return Answer(status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body)


def invalid_parameter(parameter: str, problem: str, message: str) -> Answer:
    """Make the BadRequestException about one parameter."""
    details = {"InvalidParameters": {parameter: {"Problem": problem}}}
    return refusal(HTTPStatus.BAD_REQUEST, "BadRequestException", message, Reason="InvalidParameters", Details=details)


def invalid_token(problem: Problem) -> Answer:
    """Make the BadRequestException about a token."""
    # The text of this one is AWS's; the others are not known.
    message = "Request too early" if problem is Problem.TOO_EARLY else f"The configuration token is {problem.lower()}"
    return invalid_parameter("ConfigurationToken", problem, message)


def not_found(resource_type: str, parameter: str, identifier: str, message: str) -> Answer:
    """Make the ResourceNotFoundException about one resource."""
    return refusal(
        HTTPStatus.NOT_FOUND,
        "ResourceNotFoundException",
        message,
        ResourceType=resource_type,
        ReferencedBy={parameter: identifier},
    )
