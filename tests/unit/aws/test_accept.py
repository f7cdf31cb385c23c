"""Who asks for rules: the source that wants them, and no other of the many that share a client."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.v1alpha1 import FeatureFlags, FlagOutput, Format, MultiVariant
from appconfig_operator.aws.accept import RULES
from appconfig_operator.aws.service import AppConfig
from tests.support.builders import source, spec, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.api.v1alpha1 import Spec

ION_TYPE = "application/ion; type=AWS.AppConfig.FeatureFlags"
ION = b"\xe0\x01\x00\xea\x8e\x90binary, and no text\xff"
JSON = b'{"checkout":{"_variant":"default","enabled":false}}'


class Native(ThreadingHTTPServer):
    """Answers as AWS AppConfig does: Ion for those who accept it. Sessions are never at their end."""

    daemon_threads = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Native
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["ConfigurationProfileIdentifier"]
        self.server.calls.append((f"start {wanted}", self.headers["Accept"], self.headers["Authorization"]))
        self._answer(json.dumps({"InitialConfigurationToken": wanted}).encode(), 201, {})

    def do_GET(self) -> None:
        token = self.path.partition("configuration_token=")[2]
        self.server.calls.append((token, self.headers["Accept"], self.headers["Authorization"]))
        ion = "application/ion" in (self.headers["Accept"] or "") and token != "basic"
        headers = {"Next-Poll-Configuration-Token": token, "Next-Poll-Interval-In-Seconds": "60"}
        headers["Content-Type"] = ION_TYPE if ion else "application/json"
        self._answer(ION if ion else JSON, 200, headers)

    def _answer(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> Iterator[Native]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with served() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        yield server


@contextmanager
def served() -> Iterator[Native]:
    with Native() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def wanted(multi_variant: MultiVariant, profile: str = "variants", **changes: Any) -> Spec:
    output, select = changes.pop("output", FlagOutput.APP_CONFIG), changes.pop("select", None)
    return spec(
        configuration_profile=profile,
        target=target(key=None, **changes),
        feature_flags=FeatureFlags(multi_variant, output),
        select=select,
    )


def test_raw_asks_for_ion_in_a_call_that_is_signed_with_it(native: Native) -> None:
    service = AppConfig(workers=2, user_agent="test")
    got = service.session(source(spec=wanted(MultiVariant.RAW))).poll()
    assert got is not None
    assert (got.body, got.content_type) == (ION, ION_TYPE)
    (_, plain, _), (_, accept, signed) = native.calls
    assert accept == RULES == "application/ion;type=AWS.AppConfig.FeatureFlags;q=1.0,*/*;q=0.1"
    assert plain != RULES
    assert "SignedHeaders=accept;host;x-amz-date" in signed


@pytest.mark.parametrize("multi_variant", [MultiVariant.REFUSE, MultiVariant.DEFAULT_VARIANT])
def test_nobody_else_does(native: Native, multi_variant: MultiVariant) -> None:
    got = AppConfig(workers=2, user_agent="test").session(source(spec=wanted(multi_variant))).poll()
    assert got is not None
    assert (got.body, got.content_type) == (JSON, "application/json")
    assert [accept for _, accept, _ in native.calls] == [native.calls[0][1]] * 2


@pytest.mark.parametrize(
    "changes",
    [{"format": Format.JSON}, {"select": "/checkout"}, {"output": FlagOutput.FLAGD}, {"format": Format.ENTRIES}],
)
def test_ion_that_could_not_be_written_is_not_asked_for(native: Native, changes: dict[str, Any]) -> None:
    """A resource from before the rule of the CRD: of a profile with basic flags it goes on getting JSON."""
    got = AppConfig(workers=2, user_agent="test").session(source(spec=wanted(MultiVariant.RAW, **changes))).poll()
    assert got is not None
    assert got.content_type == "application/json"
    assert RULES not in [accept for _, accept, _ in native.calls]


def test_what_comes_instead_of_ion_is_accepted(native: Native) -> None:
    """Whether AppConfig sends Ion for a profile of basic flags, nobody knows."""
    got = AppConfig(workers=2, user_agent="test").session(source(spec=wanted(MultiVariant.RAW, "basic"))).poll()
    assert got is not None
    assert (got.body, got.content_type) == (JSON, "application/json")
    assert native.calls[-1][1] == RULES


def test_threads_that_share_a_client_do_not_share_the_header(native: Native) -> None:
    service = AppConfig(workers=8, user_agent="test", quota_percent=100_000_000)
    service.session(source(spec=wanted(MultiVariant.RAW))).poll()  # who is second has to wait for the credentials

    def poll(number: int) -> None:
        multi_variant = MultiVariant.RAW if number % 2 else MultiVariant.DEFAULT_VARIANT
        session = service.session(source(uid=f"uid-{number}", spec=wanted(multi_variant, f"profile-{number}")))
        for _ in range(5):
            got = session.poll()
            assert got is not None
            assert (got.body == ION) is bool(number % 2)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(poll, range(16)))
    latest = [(token, accept) for token, accept, _ in native.calls if token.startswith("profile-")]
    assert len(latest) == 80
    assert all((accept == RULES) is bool(int(token.rpartition("-")[2]) % 2) for token, accept in latest)
