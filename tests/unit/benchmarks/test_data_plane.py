from __future__ import annotations

import asyncio
import json
from typing import cast
from urllib.parse import quote

import pytest

from appconfig_operator.api.v1alpha1 import Format
from appconfig_operator.core.errors import ContentError
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.formats.render import render
from benchmarks.data_plane import Outcome, manners
from benchmarks.data_plane.documents import CONTENT_BYTES, DOCUMENTS, Kind, ordinary
from benchmarks.data_plane.manners import Reply
from benchmarks.data_plane.server import CALLS, COUNT, Connection, router
from benchmarks.data_plane.service import TOKEN_LENGTH, Service
from tests.support.builders import spec, target
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(clock: Clock) -> Service:
    return Service(clock)


def parsed(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


def asked(profile: str = "checkout", **fields: object) -> bytes:
    return json.dumps({"ConfigurationProfileIdentifier": profile, **fields}).encode()


def begin(service: Service, profile: str = "checkout", **fields: object) -> str:
    body = asked(profile, **fields)
    status, _, answer = parsed(service.start("one", body).answer)
    assert status == 201
    return str(json.loads(answer)["InitialConfigurationToken"])


def poll(service: Service, token: str) -> tuple[int, str, bytes]:
    status, headers, body = parsed(service.latest("one", quote(token, safe="-_.~")).answer)
    return status, headers.get("Next-Poll-Configuration-Token", ""), body


def test_a_session_gets_its_content_once(service: Service, clock: Clock) -> None:
    token = begin(service)
    assert len(token) == TOKEN_LENGTH
    status, token, body = poll(service, token)
    assert (status, len(body)) == (200, CONTENT_BYTES)
    assert json.loads(body)["version"] == 1
    clock.now += 60
    status, token, body = poll(service, token)
    assert (status, body) == (200, b"")
    assert [call.outcome for call in service.calls] == [Outcome.STARTED, Outcome.CONTENT, Outcome.UNCHANGED]


def test_a_deployment_brings_new_content_to_its_profiles(service: Service, clock: Clock) -> None:
    (_, one, _), (_, two, _) = (poll(service, begin(service, profile)) for profile in ("one", "two"))
    assert service.deploy(["one"]) == clock.now
    clock.now += 60
    assert poll(service, one)[2] == ordinary("one", 2)
    assert poll(service, two)[2] == b""


def test_a_token_is_good_once(service: Service, clock: Clock) -> None:
    token = begin(service)
    poll(service, token)
    clock.now += 60
    assert poll(service, token)[0] == 400
    assert service.calls[-1].outcome == Outcome.BAD_TOKEN


@pytest.mark.parametrize("token", ["", "x", "00000009-00000000", "00000000-00000000", "0000000a-00000000"])
def test_a_token_that_was_never_given_is_refused(service: Service, token: str) -> None:
    tail = begin(service)[17:]
    assert poll(service, token + tail)[0] == 400
    assert poll(service, token)[0] == 400


def test_a_poll_before_its_time_is_refused_and_keeps_the_token(service: Service, clock: Clock) -> None:
    _, token, _ = poll(service, begin(service))
    clock.now += 59.9
    status, _, body = parsed(service.latest("one", quote(token, safe="-_.~")).answer)
    assert status == 400
    problem = json.loads(body)["Details"]["InvalidParameters"]["ConfigurationToken"]["Problem"]
    assert problem == "PollIntervalNotSatisfied"
    clock.now += 0.1
    assert poll(service, token)[0] == 200


def test_a_session_has_the_interval_that_it_asks_for(service: Service, clock: Clock) -> None:
    _, token, _ = poll(service, begin(service, RequiredMinimumPollIntervalInSeconds=15))
    clock.now += 15
    assert poll(service, token)[0] == 200


def test_one_interval_can_be_set_for_all(clock: Clock) -> None:
    service = Service(clock, 2)
    _, token, _ = poll(service, begin(service, RequiredMinimumPollIntervalInSeconds=15))
    clock.now += 1
    assert poll(service, token)[0] == 400
    clock.now += 1
    assert poll(service, token)[0] == 200


def test_an_application_says_who_hangs_and_who_is_slow(service: Service) -> None:
    assert service.start("one", asked(ApplicationIdentifier=manners.HANGS)) == (b"", manners.NEVER)
    later = quote(begin(service, ApplicationIdentifier=manners.HANGS_LATER), safe="-_.~")
    assert service.latest("one", later) == (b"", manners.NEVER)
    slow = service.start("one", asked(ApplicationIdentifier=manners.SLOW))
    assert (parsed(slow.answer)[0], slow.after) == (201, manners.SLOW_SECONDS)
    token = quote(json.loads(parsed(slow.answer)[2])["InitialConfigurationToken"], safe="-_.~")
    assert service.latest("one", token).after == manners.SLOW_SECONDS
    assert service.start("one", asked(ApplicationIdentifier="shop")).after == 0
    assert [call.outcome for call in service.calls].count(Outcome.HELD) == 2


def test_any_role_can_be_assumed_but_those_that_hang(service: Service) -> None:
    answer = router(service)("POST /", "one", b"Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fshop")
    status, _, body = parsed(answer.answer)
    assert (status, answer.after) == (200, 0)
    assert b"<AccessKeyId>one</AccessKeyId>" in body
    hangs = router(service)("POST /", "one", b"Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fhangs-1")
    assert hangs.after == manners.NEVER


class Transport(asyncio.WriteTransport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: object) -> None:
        self.written.append(cast("bytes", data))


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_requests_are_read_however_they_are_cut(service: Service, size: int) -> None:
    body = json.dumps({"ConfigurationProfileIdentifier": "checkout"}).encode()
    head = (
        f"POST /configurationsessions HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=two/20260101/eu/x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    sent = 2 * (head.encode() + body) + f"GET {COUNT} HTTP/1.1\r\n\r\n".encode()
    transport = Transport()
    connection = Connection(router(service))
    connection.connection_made(transport)
    for start in range(0, len(sent), size):
        connection.data_received(sent[start : start + size])
    assert [parsed(answer)[0] for answer in transport.written] == [201, 201, 200]
    assert parsed(transport.written[2])[2] == b"2"
    assert [(call.caller, call.session) for call in service.calls] == [("two", 1), ("two", 2)]


def test_an_answer_is_held_back() -> None:
    replies = {"never": Reply(b"1", manners.NEVER), "late": Reply(b"2", 0.01), "now": Reply(b"3")}
    transport = Transport()

    async def ask() -> None:
        connection = Connection(lambda request, _caller, _body: replies[request.partition(" ")[2]])
        connection.connection_made(transport)
        connection.data_received(b"".join(f"GET {name} HTTP/1.1\r\n\r\n".encode() for name in replies))
        assert transport.written == [b"3"]
        await asyncio.sleep(0.05)

    asyncio.run(ask())
    assert transport.written == [b"3", b"2"]


def test_calls_are_told_from_a_number_on(service: Service) -> None:
    begin(service, "one")
    begin(service, "two")
    answer = json.loads(parsed(router(service)(f"GET {CALLS}1", "", b"").answer)[2])
    assert answer == [[1000.0, "one", "start", "two", 2, "started"]]
    assert parsed(router(service)("GET /other", "", b"").answer)[0] == 404


@pytest.mark.parametrize(("kind", "size"), [(Kind.REFUSED, 900_000), (Kind.LARGE, 600_000)])
def test_large_documents_are_as_large_as_told(kind: Kind, size: int) -> None:
    document = DOCUMENTS[kind]
    assert len(document.body("checkout", 1)) == pytest.approx(size, rel=0.02)
    content = Content(document.body("checkout", 1), document.content_type, "v1")
    wanted = spec(target=target(format=Format.YAML))
    if kind is Kind.LARGE:
        assert render(content, wanted).keys == 1
    else:
        with pytest.raises(ContentError, match="twice"):
            render(content, wanted)
