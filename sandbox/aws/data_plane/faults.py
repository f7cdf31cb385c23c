"""Scripted faults: what to answer in place of the service, or how to break its answer. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING

from sandbox.aws.data_plane.messages import Answer, Operation, invalid_parameter, not_found, refusal

if TYPE_CHECKING:
    from sandbox.aws.appconfig import Place

IDENTITY = "arn:aws:sts::111122223333:assumed-role/x/y"
RESOURCE = "arn:aws:appconfig:eu-west-1:111122223333:application/a/environment/e/configuration/p"

_REFERRING = {
    "Deployment": ("ConfigurationProfileIdentifier", "EnvironmentIdentifier"),
    "Configuration": ("ConfigurationToken",),
}

_PAGE = b"<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"


class Spoil(Enum):
    """How an answer is broken on its way. The service has processed the request, so its token is used up."""

    HANG = "hang"
    """It never arrives. The connection stays open until the proxy ends."""
    CUT = "cut"
    """The connection ends before it."""
    TRUNCATE = "truncate"
    """The connection ends in the middle of its body."""
    TRICKLE = "trickle"
    """Its body arrives one piece at a time."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong: an answer in place of the service's, a way to break the service's answer, or both."""

    name: str
    answer: Answer | None = None
    """An answer in place of the service, which then never sees the request, so a token stays valid."""
    spoil: Spoil | None = None
    pause: float = 0.0
    """Seconds between two pieces of a trickle."""
    pieces: int = 1
    """The maximum number of pieces of a trickle."""

    def spoilt(self, spoil: Spoil) -> Fault:
        """Also break this answer."""
        return replace(self, name=f"{self.name}, {spoil.value}", spoil=spoil)

    @classmethod
    def refused(cls, status: int, code: str, message: str, **members: object) -> Fault:
        """Answer with any exception."""
        return cls(code, refusal(status, code, message, **members))

    @classmethod
    def throttled(cls) -> Fault:
        """Answer 429."""
        return cls.refused(HTTPStatus.TOO_MANY_REQUESTS, "ThrottlingException", "Rate exceeded")

    @classmethod
    def internal_error(cls) -> Fault:
        """Answer 500."""
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return cls("InternalServerException", refusal(status, "InternalServerException", None))

    @classmethod
    def access_denied(
        cls, action: str = "appconfig:GetLatestConfiguration", identity: str = IDENTITY, resource: str = RESOURCE
    ) -> Fault:
        """Answer 403: the identity is not allowed to do it."""
        message = f"User: {identity} is not authorized to perform: {action} on resource: {resource}"
        return cls.refused(HTTPStatus.FORBIDDEN, "AccessDeniedException", message)

    @classmethod
    def expired_credentials(cls) -> Fault:
        """Answer 403: the session of the role has expired."""
        message = "The security token included in the request is expired"
        return cls.refused(HTTPStatus.FORBIDDEN, "ExpiredTokenException", message)

    @classmethod
    def unknown_credentials(cls) -> Fault:
        """Answer 403: this key does not exist."""
        message = "The security token included in the request is invalid."
        return cls.refused(HTTPStatus.FORBIDDEN, "UnrecognizedClientException", message)

    @classmethod
    def invalid(cls, parameter: str, problem: str) -> Fault:
        """Answer 400: something is wrong with a parameter."""
        return cls("BadRequestException", invalid_parameter(parameter, problem, f"Invalid {parameter}"))

    @classmethod
    def missing(cls, resource_type: str, parameter: str = "", identifier: str = "") -> Fault:
        """Answer 404, for example about a ``Deployment``. Default: referred to by the parameters that AWS names."""
        names = (parameter,) if parameter else _REFERRING.get(resource_type, (f"{resource_type}Identifier",))
        return cls("ResourceNotFoundException", not_found(resource_type, **dict.fromkeys(names, identifier)))

    @classmethod
    def page(cls, status: int = HTTPStatus.SERVICE_UNAVAILABLE) -> Fault:
        """Answer with an HTML page, as a proxy would: with 503, or with 200 for a login page."""
        title = HTTPStatus(status).phrase.encode()
        return cls("page", Answer(status, {"Content-Type": "text/html"}, _PAGE % (title, title)))

    @classmethod
    def hang(cls) -> Fault:
        """Never answer."""
        return cls("hang", spoil=Spoil.HANG)

    @classmethod
    def cut(cls) -> Fault:
        """End the connection before the answer."""
        return cls("cut", spoil=Spoil.CUT)

    @classmethod
    def truncated(cls) -> Fault:
        """End the connection in the middle of the body."""
        return cls("truncated", spoil=Spoil.TRUNCATE)

    @classmethod
    def trickle(cls, pause: float, pieces: int = 1_000) -> Fault:
        """Send the body in pieces, with a pause before each.

        Parameters
        ----------
        pause
            In seconds.
        pieces
            The maximum number of pieces.

        Returns
        -------
        Fault
            The fault.
        """
        return cls("trickle", spoil=Spoil.TRICKLE, pause=pause, pieces=pieces)


@dataclass
class _Planned:
    operation: Operation
    fault: Fault
    times: int | None
    place: Place | None


class Script:
    """Which faults affect which requests. Not safe to share between threads."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, operation: Operation, fault: Fault, times: int | None, place: Place | None) -> None:
        """Plan a fault, after those that are already planned.

        Parameters
        ----------
        operation
            The call that it affects.
        fault
            What goes wrong.
        times
            How often; None: from then on.
        place
            The sessions that it affects; None: all.
        """
        self._planned.append(_Planned(operation, fault, times, place))

    def clear(self) -> None:
        """Forget all planned faults."""
        self._planned.clear()

    def take(self, operation: Operation, place: Place | None) -> Fault | None:
        """Return the fault for a request: the first that is planned for it."""
        for planned in self._planned:
            if planned.operation is operation and planned.place in {None, place}:
                if planned.times is not None:
                    planned.times -= 1
                    if planned.times <= 0:
                        self._planned.remove(planned)
                return planned.fault
        return None
