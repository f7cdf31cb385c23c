"""The life of a session, on MiniStack itself and through the proxy."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.core.errors import Reason, StallingError, WaitingError
from appconfig_operator.core.formats.content import Content
from sandbox.aws.appconfig import Place
from tests.integration.support.aws_access import lead, new_place, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import AppConfig, MiniStack
    from sandbox.aws.data_plane import AppConfigProxy


@pytest.fixture(autouse=True, params=["ministack", "proxy"])
def _service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, ministack: MiniStack) -> None:
    lead(monkeypatch, ministack.environment())
    if request.param == "proxy":
        proxy: AppConfigProxy = request.getfixturevalue("proxy")
        proxy.rules.enforce_interval = False
        lead(monkeypatch, ministack.environment() | proxy.environment())


def deploy(appconfig: AppConfig, place: Place, content: bytes, **options: Any) -> int:
    return appconfig.deploy(place.application, place.environment, place.profile, content, **options)


def test_life(appconfig: AppConfig) -> None:
    place = new_place()
    appconfig.ensure(place.application, place.environment, place.profile)
    ours = session(place)
    for _ in range(2):
        with pytest.raises(WaitingError) as waiting:
            ours.poll()
        assert waiting.value.reason is Reason.NOT_DEPLOYED
    deploy(appconfig, place, b'{"a": 1}', version_label="v1")
    assert ours.poll() == Content(body=b'{"a": 1}', content_type="application/json", version_label="v1")
    assert ours.poll() is None
    assert ours.poll() is None
    deploy(appconfig, place, b"a: 2", version_label="v2", content_type="application/x-yaml")
    assert ours.poll() == Content(body=b"a: 2", content_type="application/x-yaml", version_label="v2")
    assert ours.poll() is None


def test_sessions_are_apart(appconfig: AppConfig) -> None:
    place = new_place()
    deploy(appconfig, place, b"x")
    first, second = session(place), session(place)
    assert first.poll() is not None
    assert second.poll() is not None
    assert (first.poll(), second.poll()) == (None, None)


@pytest.mark.proves("spec.pollIntervalSeconds")
def test_interval(appconfig: AppConfig) -> None:
    place = new_place()
    deploy(appconfig, place, b"x")
    ours = session(place, poll_interval_seconds=120)
    ours.interval = 1
    ours.poll()
    assert ours.interval == 120


def test_identifiers(appconfig: AppConfig) -> None:
    named = new_place()
    deploy(appconfig, named, b"x")
    place = appconfig.ensure(named.application, named.environment, named.profile)
    assert session(place).poll() is not None


@pytest.mark.parametrize("name", ["nowhere", "abcdefg"], ids=["name", "identifier"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda place, name: Place(name, place.environment, place.profile), "The application {} does not exist."),
        (
            lambda place, name: Place(place.application, name, place.profile),
            "The environment {} does not exist in application {}.",
        ),
        (
            lambda place, name: Place(place.application, place.environment, name),
            "The configuration profile {} does not exist in application {}.",
        ),
    ],
    ids=["application", "environment", "profile"],
)
def test_wrong(appconfig: AppConfig, wrong: Callable[[Place, str], Place], words: str, name: str) -> None:
    place = new_place()
    appconfig.ensure(place.application, place.environment, place.profile)
    ours = session(wrong(place, name))
    with pytest.raises(StallingError) as missing:
        ours.poll()
    assert missing.value.reason is Reason.NOT_FOUND
    assert missing.value.message.startswith(words.format(name, place.application))


def test_wrong_and_then_right(appconfig: AppConfig) -> None:
    place = new_place()
    ours = session(place)
    with pytest.raises(StallingError):
        ours.poll()
    deploy(appconfig, place, b"x")
    assert ours.poll() is not None


@pytest.mark.parametrize(
    "content",
    [secrets.token_bytes(2_000 * 1024), bytes(range(256)), b"\xff\xfe\x00", "ä\r\n€".encode()],
    ids=["2000-KB", "all-bytes", "not-text", "text"],
)
def test_bytes_as_they_are(appconfig: AppConfig, content: bytes) -> None:
    place = new_place()
    deploy(appconfig, place, content, content_type="application/octet-stream")
    received = session(place).poll()
    assert received is not None
    assert received.body == content
    assert received.content_type == "application/octet-stream"


def test_an_empty_body_is_no_configuration(appconfig: AppConfig) -> None:
    """MiniStack stores an empty one, which AWS refuses. Nothing of it must reach a ConfigMap."""
    place = new_place()
    ours = session(place)
    deploy(appconfig, place, b"x", version_label="v1", content_type="text/plain")
    assert ours.poll() is not None
    deploy(appconfig, place, b"", version_label="v2", content_type="text/plain")
    assert ours.poll() is None
    deploy(appconfig, place, b"y", version_label="v3", content_type="text/plain")
    assert ours.poll() == Content(body=b"y", content_type="text/plain", version_label="v3")


def test_feature_flags(appconfig: AppConfig) -> None:
    place = new_place()
    appconfig.create_profile(place.application, place.profile, "AWS.AppConfig.FeatureFlags")
    flags = {
        "version": "1",
        "flags": {"cart": {"name": "Cart", "attributes": {"limit": {"constraints": {"type": "number"}}}}},
        "values": {"cart": {"enabled": True, "limit": 5}},
    }
    deploy(appconfig, place, json.dumps(flags).encode(), version_label="f1")
    received = session(place).poll()
    assert received is not None
    assert json.loads(received.body) == {"cart": {"enabled": True, "limit": 5}}
    assert (received.content_type, received.version_label) == ("application/json", "f1")
