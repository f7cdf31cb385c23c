"""A session of ours on a client of botocore that answers what a test says, with no network."""

from __future__ import annotations

import io
import itertools
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.response import StreamingBody
from botocore.stub import Stubber

from appconfig_operator.aws.clients import Caller, Clients, Timeouts
from appconfig_operator.aws.errors import Identifiers
from appconfig_operator.aws.rate_limits import RateLimits
from appconfig_operator.aws.session import Session
from appconfig_operator.core.identity import OPERATOR, Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_appconfigdata import AppConfigDataClient

SECRET = "hunter2-AQICAHh-not-to-be-shown"
IDENTIFIERS = Identifiers(
    application="shop", environment="production", configuration_profile="checkout", poll_interval_seconds=45
)


class FixedClients(Clients):
    """Always the one client."""

    def __init__(self, client: AppConfigDataClient, timeouts: Timeouts | None = None) -> None:
        super().__init__(workers=1, user_agent="test", timeouts=timeouts)
        self.client = client

    def get(self, region: str | None, identity: Identity = OPERATOR) -> Caller:
        assert region == "eu-west-1"
        return Caller(self.client, str(identity), "111122223333")


@cache
def boto_session() -> boto3.session.Session:
    """Make one for all tests: each of its own would load the models of botocore again."""
    return boto3.session.Session()


def make_client() -> AppConfigDataClient:
    return boto_session().client(
        "appconfigdata",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Clients(workers=1, user_agent="test")._config,
    )


def make_session(
    client: AppConfigDataClient, timeouts: Timeouts | None = None, limits: RateLimits | None = None
) -> Session:
    return Session(
        FixedClients(client, timeouts), IDENTIFIERS, region="eu-west-1", interval=45, limits=limits or unhurried()
    )


def unhurried() -> RateLimits:
    """Make limits by a clock that goes on by a minute each time that it is read: nobody has to wait."""
    return RateLimits(monotonic=itertools.count(0.0, 60.0).__next__)


class StubbedService:
    """What AWS is asked, in this order, and what it answers."""

    def __init__(self, stubber: Stubber) -> None:
        self._stubber = stubber

    def starts(self, token: str) -> None:
        """StartConfigurationSession, with all that a session is for."""
        asked = {
            "ApplicationIdentifier": "shop",
            "EnvironmentIdentifier": "production",
            "ConfigurationProfileIdentifier": "checkout",
            "RequiredMinimumPollIntervalInSeconds": 45,
        }
        self._stubber.add_response("start_configuration_session", {"InitialConfigurationToken": token}, asked)

    def delivers(  # noqa: PLR0913 - what an answer consists of
        self,
        token: str,
        next_token: str | None,
        body: bytes = b"",
        *,
        label: str | None = None,
        content_type: str | None = None,
        interval: int | None = None,
        modified: str | None = None,
    ) -> None:
        """GetLatestConfiguration; None leaves a header out."""
        answer: dict[str, object] = {"Configuration": StreamingBody(io.BytesIO(body), len(body))}
        headers = {
            "NextPollConfigurationToken": next_token,
            "VersionLabel": label,
            "ContentType": content_type,
            "NextPollIntervalInSeconds": interval,
        }
        answer.update({name: value for name, value in headers.items() if value is not None})
        if modified is not None:
            answer["ResponseMetadata"] = {"HTTPHeaders": {"last-modified": modified}}
        self._stubber.add_response("get_latest_configuration", answer, {"ConfigurationToken": token})

    def refuses(self, token: str, code: str, status: int = 400, message: str = SECRET, **members: Any) -> None:
        """GetLatestConfiguration."""
        self._stubber.add_client_error(
            "get_latest_configuration", code, message, status, modeled_fields=members, expected_params=asked(token)
        )

    def refuses_start(self, code: str, status: int = 400, message: str = SECRET, **members: Any) -> None:
        """StartConfigurationSession."""
        self._stubber.add_client_error("start_configuration_session", code, message, status, modeled_fields=members)


def asked(token: str) -> dict[str, str]:
    return {"ConfigurationToken": token}


def problem(name: str, parameter: str = "ConfigurationToken") -> dict[str, Any]:
    """Make the members of a BadRequestException."""
    return {"Reason": "InvalidParameters", "Details": {"InvalidParameters": {parameter: {"Problem": name}}}}


@contextmanager
def stubbed() -> Iterator[tuple[Session, StubbedService]]:
    """Give a session and its service; in the end everything must have been asked."""
    client = make_client()
    with Stubber(client) as stubber:
        yield make_session(client), StubbedService(stubber)
        stubber.assert_no_pending_responses()
