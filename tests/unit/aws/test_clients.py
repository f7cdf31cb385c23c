"""Clients: made once per region, with credentials or not at all, and with the bounds that tokens need."""

from __future__ import annotations

import itertools
import os
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import ClientError, PartialCredentialsError
from botocore.httpsession import URLLib3Session

from appconfig_operator.aws.clients import Clients, Timeouts
from appconfig_operator.aws.service import AppConfig
from appconfig_operator.aws.signing import acting
from appconfig_operator.core.errors import Reason, SourceError, StallingError, TransientError
from sandbox.processes.ports import free_ports
from tests.support.builders import source, spec

if TYPE_CHECKING:
    from pathlib import Path
    from unittest.mock import Mock

    from pytest_mock import MockerFixture


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings of the person at this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def make(timeouts: Timeouts | None = None) -> Clients:
    """Make clients whose clock goes on by a minute each time it is read: no failure is remembered."""
    clock = itertools.count(0.0, 61.0).__next__
    return Clients(workers=7, user_agent="appconfig-operator/test", timeouts=timeouts, monotonic=clock)


@pytest.mark.usefixtures("keys")
def test_configuration() -> None:
    client = make(Timeouts(connect=1.5, read=2.5)).get("eu-west-1").client
    config = client.meta.config
    assert client.meta.region_name == "eu-west-1"
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}  # type: ignore[attr-defined]
    assert config.connect_timeout == 1.5  # type: ignore[attr-defined]
    assert config.read_timeout == 2.5  # type: ignore[attr-defined]
    assert config.max_pool_connections == 7  # type: ignore[attr-defined]
    assert "appconfig-operator/test" in config.user_agent  # type: ignore[attr-defined]


@pytest.mark.usefixtures("keys")
def test_attempts_of_the_environment_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    assert make().get("eu-west-1").client.meta.config.retries == {  # type: ignore[attr-defined]
        "total_max_attempts": 1,
        "mode": "standard",
    }


@pytest.mark.usefixtures("keys")
def test_the_operators_account_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make().get("eu-west-1").account == ""
    monkeypatch.setenv("AWS_ACCOUNT_ID", "111122223333")
    assert make().get("eu-west-1").account == "111122223333"


def test_bounds() -> None:
    assert make().timeouts == Timeouts(connect=3, read=10, body=30)


@pytest.mark.usefixtures("keys")
def test_one_client_per_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    clients = make()
    first, own = clients.get("eu-west-1").client, clients.get(None).client
    assert clients.get("eu-west-1").client is first
    assert clients.get(None).client is own
    assert own is not first
    assert own.meta.region_name == "eu-central-1"


@pytest.mark.usefixtures("keys")
def test_threads_share_a_client(mocker: MockerFixture) -> None:
    maker = mocker.spy(botocore.session.Session, "create_client")
    clients = make()
    barrier = threading.Barrier(8)
    got = []

    def get() -> None:
        barrier.wait()
        got.append(clients._regional.appconfigdata("eu-west-1"))

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(map(id, got))) == 1
    assert maker.call_count == 1


@pytest.mark.usefixtures("keys")
def test_no_region_and_then_one() -> None:
    clients = make()
    with pytest.raises(StallingError, match=r"set spec\.region") as missing:
        clients.get(None)
    assert missing.value.reason is Reason.INVALID_SOURCE
    assert clients.get("eu-west-1").client.meta.region_name == "eu-west-1"


@pytest.mark.usefixtures("keys")
def test_a_region_that_is_not_valid() -> None:
    with pytest.raises(StallingError, match="not an AWS region") as wrong:
        make().get("not a region")
    assert wrong.value.reason is Reason.INVALID_SOURCE


@pytest.mark.usefixtures("keys")
def test_an_endpoint_that_is_not_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_APPCONFIGDATA", "nowhere")
    with pytest.raises(TransientError, match="ValueError"):
        make().get("eu-west-1")


def test_credentials_that_appear_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = make()
    for _ in range(2):
        with pytest.raises(StallingError, match="NoCredentialsError") as missing:
            clients.get("eu-west-1")
        assert missing.value.reason is Reason.CREDENTIALS_UNAVAILABLE
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "later")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert signed_by(clients) == "later"


def test_profile_that_appears_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_PROFILE", "shop")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    clients = make()
    with pytest.raises(StallingError, match="ProfileNotFound"):
        clients.get("eu-west-1")
    (tmp_path / "credentials").write_text("[shop]\naws_access_key_id = later\naws_secret_access_key = test\n")
    assert signed_by(clients) == "later"


def signed_by(clients: Clients) -> str:
    """Return the key that a call is signed with."""
    caller = clients.get("eu-west-1")
    client = caller.client
    seen = []

    def look(request: Mock, **_: object) -> None:
        seen.append(str(request.headers["Authorization"]))
        raise PartialCredentialsError(provider="test", cred_var="none")

    client.meta.events.register("before-send.appconfigdata", look)
    with pytest.raises(PartialCredentialsError), acting(caller.credentials):
        client.get_latest_configuration(ConfigurationToken="x")
    return seen[0].partition("Credential=")[2].partition("/")[0]


def test_web_identity_without_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/shop")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(StallingError, match="FileNotFoundError") as missing:
        make().get("eu-west-1")
    assert missing.value.reason is Reason.CREDENTIALS_UNAVAILABLE


def test_pod_identity_without_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(StallingError, match="FileNotFoundError") as missing:
        make().get("eu-west-1")
    assert missing.value.reason is Reason.CREDENTIALS_UNAVAILABLE


def test_credentials_are_checked_before_each_call(mocker: MockerFixture) -> None:
    """A role that is refused later on is reported as such, whatever the client: nothing was sent with the token."""
    refused = ClientError(
        {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}},  # type: ignore[typeddict-item]
        "AssumeRoleWithWebIdentity",
    )
    refresh = mocker.Mock(side_effect=[metadata(minutes=12), refused])
    credentials = DeferredRefreshableCredentials(refresh, "test")
    mocker.patch.object(botocore.session.Session, "get_credentials", return_value=credentials)
    clients = make()
    clients.get("eu-west-1")
    credentials._expiry_time = datetime.now(UTC)  # type: ignore[attr-defined]
    with pytest.raises(SourceError, match="AssumeRoleWithWebIdentity") as error:
        clients.get("eu-west-1")
    assert error.value.reason is Reason.CREDENTIALS_UNAVAILABLE


def metadata(minutes: float) -> dict[str, str]:
    """Make what a provider of botocore finds."""
    expiry = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    return {"access_key": "ASIA1", "secret_key": "s", "token": "t", "expiry_time": expiry}


def test_calls_for_credentials_have_the_same_bounds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mocker: MockerFixture
) -> None:
    (tmp_path / "token").write_text("token")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/shop")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_ports(1)[0]}")
    made = mocker.spy(URLLib3Session, "__init__")
    with pytest.raises(TransientError, match="EndpointConnectionError") as away:
        make(Timeouts(connect=1.5, read=2.5)).get("eu-west-1")
    assert away.value.reason is Reason.SERVICE_UNAVAILABLE
    assert made.call_args.kwargs["timeout"] == (1.5, 2.5)


def test_session_of_a_spec() -> None:
    service = AppConfig(workers=1, user_agent="test", timeouts=Timeouts(body=7))
    session = service.session(source(spec=spec(region="eu-west-1", poll_interval_seconds=45)))
    assert (session.region, session.interval, session.clients.timeouts.body) == ("eu-west-1", 45, 7)
    named = session.identifiers
    assert (named.application, named.environment, named.configuration_profile, named.poll_interval_seconds) == (
        "shop",
        "production",
        "checkout",
        45,
    )
