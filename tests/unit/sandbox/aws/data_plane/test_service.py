"""The proxy's service, on a backend that says what a test wants."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from sandbox.aws.appconfig import Place
from sandbox.aws.data_plane import Answer, Experiment, Fault, Operation, Problem, Rules, Spoil
from sandbox.aws.data_plane.backend import Content, Feed
from sandbox.aws.data_plane.messages import Incoming, no_deployment
from sandbox.aws.data_plane.service import Service

PLACE = Place("shop", "production", "checkout")
ASKED = {
    "ApplicationIdentifier": "shop",
    "EnvironmentIdentifier": "production",
    "ConfigurationProfileIdentifier": "checkout",
    "RequiredMinimumPollIntervalInSeconds": 45,
}
START = Incoming("POST", "/configurationsessions", body=json.dumps(ASKED).encode())
V1 = Content(b"{}", "application/json", "v1")
V2 = Content(b"[]", "application/json", "v2")
ION = "application/ion;type=AWS.AppConfig.FeatureFlags;q=1.0,*/*;q=0.1"


def latest(token: str, accept: str = "") -> Incoming:
    return Incoming("GET", f"/configuration?configuration_token={quote(token, safe='')}", {"accept": accept})


@dataclass
class ServedContent:
    """A service, its rules, what is deployed, and what was asked."""

    rules: Rules = field(default_factory=lambda: Rules(enforce_interval=False))
    deployed: Content | None = V1
    before: Content | None = None
    flags: bool = False
    refusal: Answer | None = None
    asked: list[Incoming] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = Service(self, self.rules, clock=lambda: 0.0, now=lambda: 7.0)

    # What the service asks.

    def forward(self, request: Incoming) -> Answer:
        self.asked.append(request)
        return Answer(418, {"A": "b"}, b"tea")

    def admit(self, _: Incoming) -> Answer | None:
        return None

    def open(self, request: Incoming) -> Feed | Answer:
        self.asked.append(request)
        if self.refusal is not None:
            return self.refusal
        if self.deployed is None:
            return no_deployment(request.place)
        return Feed(PLACE, self.flags, "", self.deployed, 1)

    def refresh(self, feed: Feed, request: Incoming) -> Answer | None:
        self.asked.append(request)
        if self.refusal is None and feed.content != self.deployed:
            feed.content, feed.serial = self.deployed, feed.serial + 1
        return self.refusal

    def earlier(self, _: Feed, __: Incoming, then: float) -> Content | None:
        assert then == self.rules.lag_since
        return self.before

    def modified(self, _: Feed, __: Incoming) -> float:
        return 1_000_000_000.0

    def identify(self, place: Place) -> Place:
        return place

    # What a test asks.

    def handle(self, request: Incoming) -> Answer:
        return self.service.handle(request).answer

    def start(self) -> str:
        answer = self.handle(START)
        assert answer.status == 201
        return str(json.loads(answer.body)["InitialConfigurationToken"])

    def poll(self, token: str, accept: str = "") -> tuple[Answer, str]:
        answer = self.handle(latest(token, accept))
        return answer, answer.header("Next-Poll-Configuration-Token")


@pytest.fixture
def served() -> ServedContent:
    return ServedContent()


def problem(answer: Answer) -> str:
    assert answer.status == 400
    assert answer.header("X-Amzn-ErrorType") == "BadRequestException:"
    body = json.loads(answer.body)
    assert body["Reason"] == "InvalidParameters"
    return str(body["Details"]["InvalidParameters"]["ConfigurationToken"]["Problem"])


def seen(answer: Answer) -> tuple[bytes, str, str]:
    return answer.body, answer.header("Version-Label"), answer.header("Content-Type")


def test_changed_and_unchanged(served: ServedContent) -> None:
    first, token = served.poll(served.start())
    assert seen(first) == (b"{}", "v1", "application/json")
    same, token = served.poll(token)
    assert seen(same) == (b"", "", "application/json"), "the type stays, the label goes"
    served.deployed = V2
    changed, token = served.poll(token)
    assert seen(changed) == (b"[]", "v2", "application/json")
    served.deployed = Content(b"[]", "application/json", "v3")
    assert seen(served.poll(token)[0])[:2] == (b"[]", "v3"), "the same bytes of another version"


def test_no_label(served: ServedContent) -> None:
    served.deployed = Content(b"x", "text/plain")
    answer, _ = served.poll(served.start())
    assert "Version-Label" not in answer.headers


def test_interval_answered(served: ServedContent) -> None:
    first, token = served.poll(served.start())
    assert first.header("next-poll-interval-in-seconds") == "45"
    served.rules.poll_interval = 1
    assert served.poll(token)[0].header("Next-Poll-Interval-In-Seconds") == "1"


def test_nothing_deployed(served: ServedContent) -> None:
    served.deployed = None
    answer = served.handle(START)
    assert answer.status == 404
    assert answer.header("x-amzn-errortype") == "ResourceNotFoundException:"
    assert json.loads(answer.body) == {
        "Message": "Deployment not found",
        "ResourceType": "Deployment",
        "ReferencedBy": {"ConfigurationProfileIdentifier": "checkout", "EnvironmentIdentifier": "production"},
    }


@pytest.mark.parametrize("revive", [False, True])
def test_configuration_gone_under_a_live_token(served: ServedContent, *, revive: bool) -> None:
    served.rules.revive = revive
    _, token = served.poll(served.start())
    served.deployed = None
    answer, _ = served.poll(token)
    assert answer.status == 404
    assert json.loads(answer.body) == {
        "Message": "Configuration not found",
        "ResourceType": "Configuration",
        "ReferencedBy": {"ConfigurationToken": token},
    }
    served.deployed = V2
    assert served.poll(token)[0].status == (200 if revive else 404)
    assert served.poll(served.start())[0].status == 200


def test_replayed_token(served: ServedContent) -> None:
    token = served.start()
    first, second = served.poll(token)
    again, third = served.poll(token)
    assert seen(again) == seen(first), "all of it once more"
    assert {served.poll(second)[0].status, served.poll(third)[0].status} == {200}
    assert problem(served.poll(token)[0]) == Problem.CORRUPTED, "too old"
    assert [call.replay for call in served.service.calls()] == [False, False, True, False, False, True]


def test_lag(served: ServedContent) -> None:
    """A session begun just after a revert gets what was reverted first, and then what is deployed."""
    served.rules.lag_since = 10.0
    served.before = V2
    first, token = served.poll(served.start())
    assert seen(first)[:2] == (b"[]", "v2")
    second, token = served.poll(token)
    assert seen(second)[:2] == (b"{}", "v1")
    assert seen(served.poll(token)[0])[:2] == (b"", "")
    served.before = None
    assert served.handle(START).status == 404, "and what was deployed just now is not there yet"


FLAGS = Content(
    b'{"old": {"enabled": false, "limit": 3, "_createdAt": "x"}, "new": {"_variants": ['
    b'{"name": "gold", "enabled": true, "rule": "(eq $tier \\"gold\\")", "attributeValues": {"limit": 9}},'
    b'{"name": "default", "enabled": false, "attributeValues": {"limit": 1}}]}}',
    "application/json",
)


def test_flags_by_what_the_caller_takes(served: ServedContent) -> None:
    served.flags, served.deployed = True, FLAGS
    plain, token = served.poll(served.start())
    assert seen(plain)[::2] == (
        b'{"new":{"_variant":"default","enabled":false},"old":{"enabled":false}}',
        "application/json",
    )
    assert not plain.header("Last-Modified")
    ion, token = served.poll(token, ION)
    assert ion.body.startswith(b"\xe0\x01\x00\xea")
    assert ion.header("Content-Type") == "application/ion; type=AWS.AppConfig.FeatureFlags"
    assert ion.header("Last-Modified") == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert not ion.header("Experiment-Flags")
    same, _ = served.poll(token, ION)
    assert (same.body, same.header("Content-Type")) == (b"", ion.header("Content-Type"))


@pytest.mark.parametrize(
    ("basic", "kind"), [(False, "application/json"), (True, "application/ion; type=AWS.AppConfig.FeatureFlags")]
)
def test_ion_for_flags_without_variants(served: ServedContent, *, basic: bool, kind: str) -> None:
    served.rules.ion_for_basic = basic
    served.flags, served.deployed = True, Content(b'{"cart":{"enabled":true}}', "application/json")
    assert served.poll(served.start(), ION)[0].header("Content-Type") == kind


def test_rule_that_nobody_can_write(served: ServedContent) -> None:
    served.flags = True
    served.deployed = Content(FLAGS.body.replace(b"eq", b"gt"), "application/json")
    answer, _ = served.poll(served.start(), ION)
    assert answer.status == 501
    assert json.loads(answer.body)["Message"] == "sandbox: the ID of gt in AWS's Ion is unknown"


@pytest.mark.parametrize(
    ("shown", "during"),
    [(True, b'{"cart":{"_variant":"__default__","enabled":false}}'), (False, b'{"cart":{"enabled":false}}')],
)
def test_experiment(served: ServedContent, *, shown: bool, during: bytes) -> None:
    served.rules.default_in_experiments = shown
    served.flags, served.deployed = True, Content(b'{"cart":{"enabled":false}}', "application/json")
    _, plain = served.poll(served.start())
    _, ion = served.poll(served.start(), ION)
    served.service.begin(PLACE, Experiment("cart"), 1_000_000_060.0)
    answer, plain = served.poll(plain)
    assert answer.body == (during if shown else b"")
    answer, ion = served.poll(ion, ION)
    assert answer.header("Experiment-Flags") == f"cart={Experiment('cart').arn}|t1=__t1__,c=__c__"
    assert answer.header("Last-Modified") == "Sun, 09 Sep 2001 01:47:40 GMT", "a run makes a deployment"
    assert b'"__t1__"' in answer.body
    served.service.end(PLACE, "cart", 1_000_000_120.0)
    assert served.poll(plain)[0].body == (b'{"cart":{"enabled":false}}' if shown else b"")
    assert served.poll(ion, ION)[0].header("Content-Type") == "application/json"


def test_upstream_away_uses_no_token(served: ServedContent) -> None:
    token = served.start()
    served.refusal = Answer(502)
    assert served.poll(token)[0].status == 502
    served.refusal = None
    assert served.poll(token)[0].status == 200
    assert not any(call.replay for call in served.service.calls())


def test_refused_start_is_no_session(served: ServedContent) -> None:
    served.refusal = Answer(403)
    assert served.handle(START).status == 403
    assert served.service.calls()[0].session is None


def test_all_else_goes_through(served: ServedContent) -> None:
    request = Incoming("GET", "/applications?max_results=3", {"Host": "x"}, b"body")
    assert served.handle(request) == Answer(418, {"A": "b"}, b"tea")
    assert served.asked == [request]


def test_fault_instead_of_the_service(served: ServedContent) -> None:
    token = served.start()
    served.service.plan(Operation.LATEST, Fault.throttled(), 2, None)
    assert [served.poll(token)[0].status for _ in range(2)] == [429, 429]
    assert served.poll(token)[0].status == 200, "the token is good still"
    assert not any(call.replay for call in served.service.calls())


def test_fault_after_the_service(served: ServedContent) -> None:
    token = served.start()
    served.service.plan(Operation.LATEST, Fault.cut(), 1, None)
    served.poll(token)
    served.poll(token)
    assert [call.replay for call in served.service.calls()] == [False, False, True], "the token was used"


def test_faults_of_one_place(served: ServedContent) -> None:
    token = served.start()
    served.service.plan(Operation.LATEST, Fault.throttled(), None, Place("shop", "production", "other"))
    served.service.plan(Operation.LATEST, Fault.internal_error(), None, PLACE)
    assert [served.poll(token)[0].status for _ in range(3)] == [500, 500, 500]
    served.service.heal()
    assert served.poll(token)[0].status == 200


def test_internal_error_says_nothing(served: ServedContent) -> None:
    served.service.plan(Operation.START, Fault.internal_error(), 1, None)
    answer = served.handle(START)
    assert (answer.body, answer.header("x-amzn-errortype")) == (b"{}", "InternalServerException:")


def test_faults_in_their_order(served: ServedContent) -> None:
    served.service.plan(Operation.START, Fault.page(), 1, None)
    served.service.plan(Operation.START, Fault.page(200), 1, None)
    served.service.plan(Operation.LATEST, Fault.throttled(), 1, None)
    assert [served.handle(START).status for _ in range(2)] == [503, 200]
    assert served.handle(START).status == 201


def test_record(served: ServedContent) -> None:
    token = served.start()
    served.service.plan(Operation.LATEST, Fault.hang(), 1, None)
    served.poll(token)
    served.poll("unknown")
    served.refusal = Answer(400)
    served.handle(Incoming("POST", "/configurationsessions", body=b"[nonsense"))
    record = [(call.operation, call.status, call.place, call.session, call.fault) for call in served.service.calls()]
    assert record == [
        (Operation.START, 201, PLACE, 1, ""),
        (Operation.LATEST, None, PLACE, 1, "hang"),
        (Operation.LATEST, 400, None, None, ""),
        (Operation.START, 400, Place("", "", ""), None, ""),
    ]
    assert {call.time for call in served.service.calls()} == {7.0}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.access_denied(), 403, "AccessDeniedException"),
        (Fault.expired_credentials(), 403, "ExpiredTokenException"),
        (Fault.unknown_credentials(), 403, "UnrecognizedClientException"),
        (Fault.invalid("ApplicationIdentifier", "Corrupted"), 400, "BadRequestException"),
        (Fault.missing("Deployment"), 404, "ResourceNotFoundException"),
        (Fault.throttled().spoilt(Spoil.TRUNCATE), 429, "ThrottlingException"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_exceptions(served: ServedContent, fault: Fault, status: int, code: str) -> None:
    served.service.plan(Operation.START, fault, 1, None)
    answer = served.handle(START)
    assert (answer.status, answer.header("x-amzn-errortype")) == (status, f"{code}:")
    assert json.loads(answer.body)["Message"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (
            {"x-amzn-errortype": "BadRequestException", "Access-Control-Allow-Origin": "*"},
            {"__type": "BadRequestException", "message": "too short"},
        ),
        ({}, {"__type": "com.amazonaws#BadRequestException", "Message": "too short"}),
        ({}, {"Code": "BadRequestException:http://x", "code": "x", "message": "too short"}),
    ],
)
def test_what_ministack_refuses_is_shaped_like_aws(headers: dict[str, str], body: dict[str, str]) -> None:
    served = ServedContent(refusal=Answer(400, headers, json.dumps(body | {"Reason": "InvalidParameters"}).encode()))
    answer = served.service.handle(START).answer
    assert answer.status == 400
    assert dict(answer.headers) == {"Content-Type": "application/json", "x-amzn-ErrorType": "BadRequestException:"}
    assert json.loads(answer.body) == {"Message": "too short", "Reason": "InvalidParameters"}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b""])
def test_what_is_no_refusal_of_aws_stays_as_it_is(body: bytes) -> None:
    refusal = Answer(502, {"Content-Type": "text/html"}, body)
    assert ServedContent(refusal=refusal).service.handle(START).answer == refusal
