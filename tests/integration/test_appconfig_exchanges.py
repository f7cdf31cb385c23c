"""The stand-in of AppConfig's data plane answers as the real service was recorded to.

`tests/data/appconfig/exchanges.json` has what was recorded, with names of ours; each names its public source. Of errors
and of headers some recordings have only what their parsed members prove: what is listed there is compared.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from sandbox.aws.data_plane import AppConfigProxy, Experiment, Rules
from tests.integration.support.aws_access import new_place

if TYPE_CHECKING:
    from sandbox import AppConfig, MiniStack
    from sandbox.aws.appconfig import Place

EXCHANGES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "appconfig" / "exchanges.json").read_text(encoding="utf-8")
)
DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
SIGNATURE = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/appconfig/aws4_request, Signature=0"


@dataclass
class HttpAnswer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class PolledPlace:
    """A place, and the tokens of a session about it."""

    appconfig: AppConfig
    proxy: AppConfigProxy
    place: Place
    tokens: list[str] = field(default_factory=list)

    def take(self, step: str | dict[str, Any]) -> None:
        """Bring about what an exchange begins from."""
        name: str = step if isinstance(step, str) else next(iter(step))
        given: Any = None if isinstance(step, str) else step[name]
        place, appconfig = self.place, self.appconfig
        match name:
            case "create":
                self._create()
            case "deploy":
                self._deploy(given["content"], given["label"])
            case "flags":
                appconfig.create_profile(place.application, place.profile, "AWS.AppConfig.FeatureFlags")
                self._deploy({"version": "1", "flags": {}, "values": given}, None)
            case "revert":
                appconfig.revert(place.application, place.environment)
            case "delete":
                self._delete(given)
            case "lag":
                self.proxy.rules.lag_since = time.time()
            case "enforce":
                self.proxy.rules.enforce_interval = True
            case "experiment":
                self.proxy.begin_experiment(place, Experiment(**given))
            case _:
                assert self.ask(step).status in {200, 201}  # type: ignore[arg-type]

    def _create(self) -> None:
        self.ids = self.appconfig.ensure(self.place.application, self.place.environment, self.place.profile)

    def _deploy(self, content: Any, label: str | None) -> None:
        place = self.place
        text = json.dumps(content).encode()
        self.appconfig.deploy(place.application, place.environment, place.profile, text, version_label=label)
        self._create()

    def _delete(self, what: str) -> None:
        match what:
            case "application":
                self.appconfig.delete_application(self.place.application)
            case "profile":
                self.appconfig.delete_profile(self.place.application, self.place.profile)
            case _:
                self.appconfig.client.delete_environment(
                    ApplicationId=self.ids.application, EnvironmentId=self.ids.environment
                )

    def ask(self, request: dict[str, Any]) -> HttpAnswer:
        """Make a request."""
        name, given = next(iter(request.items()))
        if name == "start":
            names = {
                "ApplicationIdentifier": self.place.application,
                "EnvironmentIdentifier": self.place.environment,
                "ConfigurationProfileIdentifier": self.place.profile,
            }
            answer = self._send("POST", "/configurationsessions", json.dumps(self.fill({**names, **given})).encode())
            if answer.status == 201:
                self.tokens.append(json.loads(answer.body)["InitialConfigurationToken"])
            return answer
        self.sent = {
            "before": lambda: self.tokens[-2],
            "spoilt": lambda: f"{self.tokens[-1][:400]}x{self.tokens[-1][401:]}",
        }.get(given.get("token", ""), lambda: self.tokens[-1])()
        accept = {"Accept": given["accept"]} if "accept" in given else {}
        answer = self._send("GET", f"/configuration?configuration_token={quote(self.sent, safe='')}", b"", accept)
        self.tokens.append(answer.headers.get("next-poll-configuration-token", ""))
        return answer

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> HttpAnswer:
        connection = http.client.HTTPConnection(urlsplit(self.proxy.url).netloc, timeout=10)
        try:
            connection.request(method, path, body, {"Authorization": SIGNATURE, **(headers or {})})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return HttpAnswer(response.status, found, response.read())
        finally:
            connection.close()

    def fill(self, value: Any) -> Any:
        """Put what is known of this place in the place of the marks in an exchange."""
        known = {
            "<APPLICATION ID>": lambda: self.ids.application,
            "<ENVIRONMENT ID>": lambda: self.ids.environment,
            "<PROFILE ID>": lambda: self.ids.profile,
            "<TOKEN SENT>": lambda: self.sent,
        }
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        return known[value]() if isinstance(value, str) and value in known else value


@pytest.fixture
def polled(ministack: MiniStack, appconfig: AppConfig) -> Any:
    with AppConfigProxy(ministack.url, Rules(enforce_interval=False)) as proxy:
        yield PolledPlace(appconfig, proxy, new_place())


def same_text(expected: str, found: str) -> bool:
    if expected.startswith("<TOKEN "):
        return len(found) == int(expected[7:-1]) and re.fullmatch("[A-Za-z0-9+/]+={0,2}", found) is not None
    if expected == "<DATE>":
        return DATE.fullmatch(found) is not None
    return expected == found


def same_body(expected: Any, body: bytes) -> bool:
    if isinstance(expected, dict):
        found = json.loads(body)
        if expected.keys() == {"InitialConfigurationToken"}:
            return found.keys() == expected.keys() and same_text(*expected.values(), *found.values())
        return bool(expected == found)
    if expected.startswith("base64:"):
        return base64.b64decode(expected.removeprefix("base64:")) == body
    return bool(expected.encode() == body)


@pytest.mark.parametrize("exchange", EXCHANGES, ids=[exchange["name"] for exchange in EXCHANGES])
def test_exchange(polled: PolledPlace, exchange: dict[str, Any]) -> None:
    for step in exchange["steps"]:
        polled.take(step)
    answer = polled.ask(exchange["request"])
    assert answer.status == exchange["status"], answer
    for name, value in exchange["headers"].items():
        if value is None:
            assert name not in answer.headers, answer
        else:
            assert same_text(value, answer.headers[name]), answer
    assert same_body(polled.fill(exchange["body"]), answer.body), answer


def test_each_names_its_source() -> None:
    for exchange in EXCHANGES:
        assert re.match(r"[\w-]+/[\w-]+@[0-9a-f]{8} \S+", exchange["source"]), exchange["name"]


def test_unchanged_and_gone_are_kept_apart_where_neither_type_nor_label_tells(polled: PolledPlace) -> None:
    """MiniStack answers both in the same way."""
    place = polled.place
    polled.appconfig.deploy(
        place.application, place.environment, place.profile, b"x", content_type="application/octet-stream"
    )
    polled.take({"start": {}})
    assert polled.ask({"poll": {}}).body == b"x"
    assert (polled.ask({"poll": {}}).status, polled.ask({"poll": {}}).body) == (200, b"")
    polled.take("revert")
    assert polled.ask({"poll": {}}).status == 404
