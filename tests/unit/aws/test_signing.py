"""A call is signed with the credentials that its thread has set, however many identities share a client."""

from __future__ import annotations

import json
import os
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import ReadOnlyCredentials

from appconfig_operator.aws.breakers import Breakers
from appconfig_operator.aws.clients import Clients
from appconfig_operator.aws.errors import Identifiers
from appconfig_operator.aws.rate_limits import RateLimits
from appconfig_operator.aws.session import Session
from appconfig_operator.aws.signing import ActingCredentials, NobodyActsError, acting
from appconfig_operator.core.errors import WaitingError
from appconfig_operator.core.identity import OPERATOR, AccessKeys, Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-west-1"


def keys(access_key_id: str) -> ReadOnlyCredentials:
    return ReadOnlyCredentials(access_key_id, "s", None, "111122223333")


class Recording(ThreadingHTTPServer):
    """An AppConfig that records who signed which request."""

    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Recording
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted = asked["ApplicationIdentifier"]
        self._note(wanted)
        self._answer(json.dumps({"InitialConfigurationToken": wanted}).encode(), 201)

    def do_GET(self) -> None:
        wanted = self.path.partition("configuration_token=")[2]
        self._note(wanted)
        self._answer(b"", 200, wanted)

    def _note(self, wanted: str) -> None:
        signer = re.search("Credential=([^/]+)/", self.headers["Authorization"])
        assert signer
        self.server.seen.append((wanted, signer[1]))

    def _answer(self, body: bytes, status: int, token: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Next-Poll-Configuration-Token", token)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def recording() -> Iterator[Recording]:
    with Recording() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


class Secrets:
    """A cluster in which each Secret holds a key named after it."""

    def role_arn(self, namespace: str, name: str) -> str:
        raise NotImplementedError

    def token(self, namespace: str, name: str) -> str:
        raise NotImplementedError

    def keys(self, namespace: str, name: str) -> AccessKeys:
        return AccessKeys(f"AKIA-{namespace}-{name}", "s")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings of the person at this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OPERATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")


def test_each_identity_signs_its_own_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is shared, its connections are, and threads go from one identity to another."""
    with recording() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        clients = Clients(workers=8, user_agent="test", identities=Secrets())
        wanted = {f"AKIA-ns-{number}": Identity("ns", secret=str(number)) for number in range(40)} | {
            "OPERATOR": OPERATOR
        }
        limits, breakers = RateLimits(percent=100_000_000), Breakers()
        sessions = [
            Session(clients, Identifiers(key, "e", "p", 15), REGION, 15, identity, limits, breakers)
            for key, identity in wanted.items()
        ]
        clients.get(REGION)  # or those who meet another thread at it are put off

        def poll(session: Session) -> None:
            for _ in range(5):
                with pytest.raises(WaitingError):
                    session.poll()

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(poll, session) for session in sessions]:
                done.result()
    assert [pair for pair in server.seen if pair[0] != pair[1]] == []
    assert Counter(signer for _, signer in server.seen) == dict.fromkeys(wanted, 6)
    assert len(clients._regional._clients) == 1


def test_a_call_without_credentials_is_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    with recording() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        client = Clients(workers=1, user_agent="test").get(REGION).client
        with pytest.raises(NobodyActsError):
            client.get_latest_configuration(ConfigurationToken="t")
        with acting(keys("A")), acting(None), pytest.raises(NobodyActsError):
            client.get_latest_configuration(ConfigurationToken="t")
    assert not server.seen


def test_another_thread_does_not_act_for_this_one() -> None:
    credentials = ActingCredentials()
    with acting(keys("A")), ThreadPoolExecutor(1) as pool, pytest.raises(NobodyActsError):
        pool.submit(credentials.get_frozen_credentials).result()


def test_whoever_acts_last_signs_until_it_ends() -> None:
    credentials = ActingCredentials()
    account = credentials.get_deferred_property("account_id")
    assert account() is None
    with acting(keys("A")):
        with suppress(ZeroDivisionError), acting(keys("B")):
            assert credentials.get_frozen_credentials().access_key == "B"
            raise ZeroDivisionError
        assert credentials.get_frozen_credentials().access_key == "A"
        assert account() == "111122223333"


def test_what_reads_keys_directly_fails() -> None:
    with acting(keys("A")), pytest.raises(AttributeError):
        _ = ActingCredentials().access_key
