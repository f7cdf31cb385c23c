"""The proxy itself: its record, and what goes through it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from appconfig_operator.aws.clients import Timeouts
from appconfig_operator.core.errors import TransientError
from sandbox.aws.data_plane import AppConfigProxy, Fault, Operation
from sandbox.processes.waiting import wait_until
from tests.integration.support.aws_access import lead, new_place, session

if TYPE_CHECKING:
    from sandbox import AppConfig, MiniStack
    from sandbox.aws.appconfig import Place


@pytest.fixture(autouse=True)
def _led(proxy: AppConfigProxy, ministack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> None:
    lead(monkeypatch, ministack.environment() | proxy.environment())


def deployed(appconfig: AppConfig) -> Place:
    place = new_place()
    appconfig.deploy(place.application, place.environment, place.profile, b"0123456789" * 20)
    return place


def test_record(proxy: AppConfigProxy, appconfig: AppConfig) -> None:
    first, second = deployed(appconfig), deployed(appconfig)
    session(first)
    assert proxy.calls() == [], "nothing is called before the first poll"
    session(first).poll()
    since = time.monotonic()
    session(second).poll()
    assert [(call.operation, call.status, call.session) for call in proxy.calls()] == [
        (Operation.START, 201, 1),
        (Operation.LATEST, 200, 1),
        (Operation.START, 201, 2),
        (Operation.LATEST, 200, 2),
    ]
    assert [call.place for call in proxy.calls(Operation.LATEST)] == [first, second]
    assert (
        proxy.count(place=first),
        proxy.count(place=second, since=since),
        proxy.count(place=first, since=since),
    ) == (
        2,
        2,
        0,
    )
    assert (proxy.sessions(), proxy.sessions(place=first), proxy.sessions(since=since)) == (2, 1, 1)


def test_hanging_request_ends_with_the_proxy(
    ministack: MiniStack, appconfig: AppConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = deployed(appconfig)
    with ThreadPoolExecutor(1) as pool:
        with AppConfigProxy(ministack.url) as proxy:
            lead(monkeypatch, ministack.environment() | proxy.environment())
            proxy.fail(Operation.START, Fault.hang())
            polled = pool.submit(session(place).poll)
            wait_until(proxy.calls, 10, "the call to arrive")
            assert not polled.done()
        with pytest.raises(TransientError, match="ConnectionClosedError"):
            polled.result(5)


def test_silent(proxy: AppConfigProxy, capfd: pytest.CaptureFixture[str], appconfig: AppConfig) -> None:
    place = deployed(appconfig)
    proxy.fail(Operation.LATEST, Fault.trickle(0.05, pieces=100))
    with pytest.raises(TransientError):
        session(place, Timeouts(body=0.1)).poll()
    wait_until(lambda: not proxy._server._open, 10, "the connection that the client gave up to end")
    session(place).poll()
    assert capfd.readouterr().err == ""


def test_control_plane_goes_through(proxy: AppConfigProxy, ministack: MiniStack) -> None:
    client = boto3.client("appconfig", endpoint_url=proxy.url)
    made = client.create_application(Name=new_place().application)["Id"]
    assert client.get_application(ApplicationId=made)["Id"] == made
    client.delete_application(ApplicationId=made)
    direct = boto3.client("appconfig", endpoint_url=ministack.url)
    with pytest.raises(ClientError):
        direct.get_application(ApplicationId=made)
    assert proxy.calls() == []


def test_details_reach_botocore(proxy: AppConfigProxy, appconfig: AppConfig) -> None:
    """The members of the exceptions are where the service model has them."""
    place = deployed(appconfig)
    client = boto3.client("appconfigdata", endpoint_url=proxy.url)
    with pytest.raises(client.exceptions.BadRequestException) as bad:
        client.get_latest_configuration(ConfigurationToken="unknown")
    assert bad.value.response["Reason"] == "InvalidParameters"  # type: ignore[typeddict-item]
    assert bad.value.response["Details"] == {  # type: ignore[typeddict-item]
        "InvalidParameters": {"ConfigurationToken": {"Problem": "Corrupted"}}
    }
    with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
        client.start_configuration_session(
            ApplicationIdentifier=place.application,
            EnvironmentIdentifier="nowhere",
            ConfigurationProfileIdentifier=place.profile,
        )
    assert missing.value.response["ResourceType"] == "Environment"  # type: ignore[typeddict-item]
    assert missing.value.response["ReferencedBy"] == {"EnvironmentIdentifier": "nowhere"}  # type: ignore[typeddict-item]
