"""Writes are bounded by the Lease under which they are made."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest

from appconfig_operator.kube.api import READ_TIMEOUT_SECONDS, Api
from appconfig_operator.kube.errors import UnreachableError
from appconfig_operator.kube.fence import Fence
from tests.unit.support.engine_fakes import FakeLeaseGuard

if TYPE_CHECKING:
    from urllib3 import Timeout


@pytest.fixture
def fence() -> Fence:
    return Fence()


class RecordingServer:
    """An API server that answers `{}` and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Timeout]] = []

    def request(self, method: str, _url: str, *, timeout: Timeout, **_: Any) -> Any:
        self.requests.append((method, timeout))
        return MagicMock(status=200, **{"read.return_value": b"{}"})


@pytest.fixture
def server() -> RecordingServer:
    return RecordingServer()


@pytest.fixture
def api(fence: Fence, server: RecordingServer) -> Api:
    client = MagicMock()
    client.configuration.auth_settings.return_value = {}
    client.default_headers = {}
    client.rest_client.pool_manager = server
    return Api(client, fence)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_written_once_the_lease_has_lapsed(
    api: Api, fence: Fence, server: RecordingServer, method: str
) -> None:
    with fence.under(FakeLeaseGuard(0.0)), pytest.raises(UnreachableError, match="Lease"):
        api.call(method, "/x")
    assert server.requests == []


def test_reading_needs_no_lease(api: Api, fence: Fence, server: RecordingServer) -> None:
    with fence.under(FakeLeaseGuard(0.0)):
        api.call("GET", "/x")
    assert server.requests[0][1].total is None


def test_a_write_takes_no_longer_than_the_lease_lasts(api: Api, fence: Fence, server: RecordingServer) -> None:
    with fence.under(FakeLeaseGuard(2.5)):
        api.call("PUT", "/x")
    assert server.requests[0][1].total == 2.5


def test_what_needs_no_lease_is_not_blocked(api: Api, fence: Fence, server: RecordingServer) -> None:
    """Renewing a Lease is a write too."""
    with fence.under(FakeLeaseGuard(0.0)):
        others = threading.Thread(target=api.call, args=("PUT", "/lease"))
        others.start()
        others.join()
    api.call("PUT", "/after")
    assert [timeout.read_timeout for _, timeout in server.requests] == [READ_TIMEOUT_SECONDS] * 2


def test_the_lease_is_left_behind_when_a_poll_fails(api: Api, fence: Fence, server: RecordingServer) -> None:
    with pytest.raises(ValueError, match="bug"), fence.under(FakeLeaseGuard(0.0)):
        raise ValueError("bug")
    api.call("PUT", "/x")
    assert len(server.requests) == 1
