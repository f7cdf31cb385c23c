"""The operator's own credentials: one thread finds or refreshes them, and nobody waits for it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import MetadataRetrievalError

from appconfig_operator.aws.calls import Calls
from appconfig_operator.aws.operator_credentials import OwnCredentials
from appconfig_operator.core.errors import BusyError, StallingError

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

START = datetime(2026, 1, 1, tzinfo=UTC)


class Imds:
    """A provider of credentials that are good for an hour, and the time."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.now = 0.0
        self.calls = 0
        self.trouble: Exception | None = None
        self.entered, self.release = threading.Event(), threading.Event()
        self.release.set()
        found = mocker.patch.object(botocore.session.Session, "get_credentials")
        found.side_effect = lambda: DeferredRefreshableCredentials(self.refresh, "test", self.utc)
        self.own = OwnCredentials(Config(), Calls(None, lambda: 0.0), lambda: self.now)

    def utc(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def refresh(self) -> dict[str, str]:
        self.calls += 1
        self.entered.set()
        assert self.release.wait(10)
        if self.trouble:
            raise self.trouble
        expiry = (self.utc() + timedelta(hours=1)).isoformat()
        return {"access_key": f"ASIA{self.calls}", "secret_key": "s", "token": "t", "expiry_time": expiry}

    def key(self) -> str | None:
        return self.own.get().access_key


@pytest.fixture
def imds(mocker: MockerFixture) -> Imds:
    return Imds(mocker)


def test_they_are_refreshed_15_minutes_before_they_expire(imds: Imds) -> None:
    assert imds.key() == "ASIA1"
    imds.now += 44 * 60
    assert imds.key() == "ASIA1"
    imds.now += 2 * 60
    assert imds.key() == "ASIA2"


def test_nobody_waits_for_a_provider_that_hangs(imds: Imds) -> None:
    imds.release.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(imds.key)
        assert imds.entered.wait(10)
        with pytest.raises(BusyError):
            imds.key()
        imds.release.set()
        assert first.result(10) == "ASIA1"
        imds.release.clear()
        imds.entered.clear()
        imds.now += 49 * 60 + 50
        second = pool.submit(imds.key)
        assert imds.entered.wait(10)
        assert imds.key() == "ASIA1", "still good"
        imds.now += 15
        with pytest.raises(BusyError):
            imds.key()
        imds.release.set()
        assert second.result(10) == "ASIA2"
    assert imds.key() == "ASIA2"


def test_a_provider_that_is_away_is_asked_once_a_minute_while_there_is_time(imds: Imds) -> None:
    imds.key()
    imds.trouble = MetadataRetrievalError(error_msg="away")
    imds.now += 46 * 60
    for _ in range(10):
        assert imds.key() == "ASIA1"
    assert imds.calls == 2
    imds.now += 60
    assert imds.key() == "ASIA1"
    assert imds.calls == 3
    imds.now += 5 * 60
    for _ in range(10):
        with pytest.raises(StallingError, match="MetadataRetrievalError"):
            imds.key()
    assert imds.calls == 4
    imds.trouble = None
    imds.now += 1
    assert imds.key() == "ASIA5"
