"""The proxy's service, on an upstream that says what a test wants."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from sandbox.appconfig import Place
from sandbox.appconfig_proxy import Answer, Fault, Operation, Problem, Rules, Spoil
from sandbox.appconfig_proxy.messages import Incoming
from sandbox.appconfig_proxy.service import Service

PLACE = Place("shop", "production", "checkout")
ASKED = {
    "ApplicationIdentifier": "shop",
    "EnvironmentIdentifier": "production",
    "ConfigurationProfileIdentifier": "checkout",
    "RequiredMinimumPollIntervalInSeconds": 45,
}
START = Incoming("POST", "/configurationsessions", body=json.dumps(ASKED).encode())


def latest(token: str) -> Incoming:
    return Incoming("GET", f"/configuration?configuration_token={token}")


def started(token: str) -> Answer:
    return Answer(201, body=json.dumps({"InitialConfigurationToken": token}).encode())


def delivered(next_token: str, body: bytes = b"", label: str = "") -> Answer:
    headers = {
        "Content-Type": "application/json",
        "Next-Poll-Configuration-Token": next_token,
        "Next-Poll-Interval-In-Seconds": "45",
    }
    return Answer(200, headers | ({"Version-Label": label} if label else {}), body)


@dataclass
class World:
    """A service, its rules, what comes from upstream, and what upstream was asked."""

    rules: Rules = field(default_factory=lambda: Rules(enforce_interval=False))
    answers: list[Answer] = field(default_factory=list)
    asked: list[Incoming] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = Service(self.upstream, self.rules, clock=lambda: 0.0, now=lambda: 7.0)

    def upstream(self, request: Incoming) -> Answer:
        self.asked.append(request)
        return self.answers.pop(0)

    def handle(self, request: Incoming, *answers: Answer) -> Answer:
        self.answers.extend(answers)
        answer = self.service.handle(request).answer
        assert not self.answers
        return answer


@pytest.fixture
def world() -> World:
    return World()


def problem(answer: Answer) -> str:
    assert answer.status == 400
    assert answer.header("X-Amzn-ErrorType") == "BadRequestException"
    body = json.loads(answer.body)
    assert body["Reason"] == "InvalidParameters"
    return str(body["Details"]["InvalidParameters"]["ConfigurationToken"]["Problem"])


def test_changed_and_unchanged(world: World) -> None:
    world.handle(START, started("1"))
    first = world.handle(latest("1"), delivered("2", b"{}", "v1"))
    assert (first.body, first.header("Version-Label"), first.header("Content-Type")) == (
        b"{}",
        "v1",
        "application/json",
    )
    same = world.handle(latest("2"), delivered("3", b"", "v1"))
    assert (same.body, same.header("Version-Label"), same.header("Content-Type")) == (b"", "", "")
    assert same.header("Next-Poll-Configuration-Token") == "3"
    empty = world.handle(latest("3"), delivered("4", b"", "v2"))
    assert (empty.body, empty.header("Version-Label"), empty.header("Content-Type")) == (b"", "v2", "application/json")


def test_interval_answered(world: World) -> None:
    world.handle(START, started("1"))
    assert world.handle(latest("1"), delivered("2")).header("next-poll-interval-in-seconds") == "45"
    world.rules.poll_interval = 1
    assert world.handle(latest("2"), delivered("3")).header("Next-Poll-Interval-In-Seconds") == "1"


def test_used_token(world: World) -> None:
    world.handle(START, started("1"))
    world.handle(latest("1"), delivered("2"))
    assert problem(world.handle(latest("1"))) == Problem.CORRUPTED
    assert len(world.asked) == 2, "upstream never sees it"


@pytest.mark.parametrize(
    ("words", "kind", "identifier"),
    [
        ("Application shop", "Application", "shop"),
        ("Environment production", "Environment", "production"),
        ("Configuration profile checkout", "ConfigurationProfile", "checkout"),
    ],
)
def test_not_found(world: World, words: str, kind: str, identifier: str) -> None:
    answer = world.handle(START, Answer(404, body=json.dumps({"Message": f"{words} not found"}).encode()))
    assert answer.status == 404
    assert answer.header("x-amzn-errortype") == "ResourceNotFoundException"
    body = json.loads(answer.body)
    assert (body["ResourceType"], body["ReferencedBy"]) == (kind, {f"{kind}Identifier": identifier})


def test_upstream_away_uses_no_token(world: World) -> None:
    world.handle(START, started("1"))
    assert world.handle(latest("1"), Answer(502)).status == 502
    assert world.handle(latest("1"), delivered("2")).status == 200


def test_upstream_started_anew_knows_no_token(world: World) -> None:
    world.handle(START, started("1"))
    assert problem(world.handle(latest("1"), Answer(400))) == Problem.CORRUPTED


def test_all_else_goes_through(world: World) -> None:
    request = Incoming("GET", "/applications?max_results=3", {"Host": "x"}, b"body")
    answer = Answer(418, {"A": "b"}, b"tea")
    assert world.handle(request, answer) is answer
    assert world.asked == [request]


def test_fault_instead_of_the_service(world: World) -> None:
    world.handle(START, started("1"))
    world.service.plan(Operation.LATEST, Fault.throttled(), 2, None)
    assert [world.handle(latest("1")).status for _ in range(2)] == [429, 429]
    assert world.handle(latest("1"), delivered("2")).status == 200, "the token is good still"


def test_fault_after_the_service(world: World) -> None:
    world.handle(START, started("1"))
    world.service.plan(Operation.LATEST, Fault.cut(), 1, None)
    world.handle(latest("1"), delivered("2"))
    assert problem(world.handle(latest("1"))) == Problem.CORRUPTED, "the token was used"


def test_faults_of_one_place(world: World) -> None:
    world.handle(START, started("1"))
    world.service.plan(Operation.LATEST, Fault.throttled(), None, Place("shop", "production", "other"))
    world.service.plan(Operation.LATEST, Fault.internal_error(), None, PLACE)
    assert [world.handle(latest("1")).status for _ in range(3)] == [500, 500, 500]
    world.service.heal()
    assert world.handle(latest("1"), delivered("2")).status == 200


def test_faults_in_their_order(world: World) -> None:
    world.service.plan(Operation.START, Fault.page(), 1, None)
    world.service.plan(Operation.START, Fault.page(200), 1, None)
    world.service.plan(Operation.LATEST, Fault.throttled(), 1, None)
    assert [world.handle(START).status for _ in range(2)] == [503, 200]
    assert world.handle(START, started("1")).status == 201


def test_record(world: World) -> None:
    world.handle(START, started("1"))
    world.service.plan(Operation.LATEST, Fault.hang(), 1, None)
    world.handle(latest("1"), delivered("2"))
    world.handle(latest("1"))
    world.handle(latest("unknown"))
    world.handle(Incoming("POST", "/configurationsessions", body=b"[nonsense"), Answer(400))
    seen = [(call.operation, call.status, call.place, call.session, call.fault) for call in world.service.calls()]
    assert seen == [
        (Operation.START, 201, PLACE, 1, ""),
        (Operation.LATEST, None, PLACE, 1, "hang"),
        (Operation.LATEST, 400, PLACE, 1, ""),
        (Operation.LATEST, 400, None, None, ""),
        (Operation.START, 400, Place("", "", ""), None, ""),
    ]
    assert {call.time for call in world.service.calls()} == {7.0}


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
def test_exceptions(world: World, fault: Fault, status: int, code: str) -> None:
    world.service.plan(Operation.START, fault, 1, None)
    answer = world.handle(START)
    assert (answer.status, answer.header("x-amzn-errortype")) == (status, code)
    assert json.loads(answer.body)["Message"]
