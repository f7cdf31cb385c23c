"""A session whose identity AWS refuses: once more with new credentials, when there are any."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from appconfig_operator.aws.clients import Caller, Clients
from appconfig_operator.aws.session import Session
from appconfig_operator.core.errors import Reason, StallingError
from appconfig_operator.core.identity import OPERATOR, Identity
from tests.unit.support.aws_stubs import IDENTIFIERS, StubbedService, make_client

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = Identity("shop", secret="aws")


class RenewedClients(Clients):
    """One caller, and another after it was renewed."""

    def __init__(self, *callers: Caller) -> None:
        super().__init__(workers=1, user_agent="test")
        self.callers = list(callers)
        self.asked: list[Identity] = []

    def get(self, region: str | None, identity: Identity = OPERATOR) -> Caller:
        assert region == "eu-west-1"
        assert identity == IDENTITY
        return self.callers[0]

    def renew(self, region: str | None, identity: Identity, refused: Caller) -> bool:
        assert region == "eu-west-1"
        assert refused is self.callers[0]
        self.asked.append(identity)
        if len(self.callers) > 1:
            self.callers.pop(0)
            return True
        return False


@pytest.fixture
def stubs() -> Iterator[list[tuple[Caller, Stubber]]]:
    made = []
    for name in ("the first", "the second"):
        client = make_client()
        stubber = Stubber(client)
        stubber.activate()
        made.append((Caller(client, name), stubber))
    yield made
    for _, stubber in made:
        stubber.assert_no_pending_responses()


def make(*callers: Caller) -> tuple[Session, RenewedClients]:
    clients = RenewedClients(*callers)
    return Session(clients, IDENTIFIERS, region="eu-west-1", interval=45, identity=IDENTITY), clients


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"])
def test_a_new_session_with_the_new_ones(stubs: list[tuple[Caller, Stubber]], code: str) -> None:
    """A token of the old ones may belong to another account."""
    (first, old), (second, new) = stubs
    session, clients = make(first, second)
    StubbedService(old).starts("a")
    StubbedService(old).delivers("a", "b", b"old")
    assert session.poll() is not None
    StubbedService(old).refuses("b", code, 403)
    StubbedService(new).starts("c")
    StubbedService(new).delivers("c", "d", b"new")
    content = session.poll()
    assert content is not None
    assert content.body == b"new"
    assert clients.asked == [IDENTITY]


def test_no_new_ones(stubs: list[tuple[Caller, Stubber]]) -> None:
    (first, old), _ = stubs
    session, clients = make(first)
    StubbedService(old).refuses_start("AccessDeniedException", 403)
    with pytest.raises(StallingError, match="The identity of the first is not allowed to call") as refused:
        session.poll()
    assert refused.value.reason is Reason.ACCESS_DENIED
    assert clients.asked == [IDENTITY]


def test_the_new_ones_are_refused_as_well(stubs: list[tuple[Caller, Stubber]]) -> None:
    (first, old), (second, new) = stubs
    session, clients = make(first, second)
    StubbedService(old).refuses_start("AccessDeniedException", 403)
    StubbedService(new).refuses_start("UnrecognizedClientException", 403)
    with pytest.raises(StallingError, match="does not accept the credentials of the second"):
        session.poll()
    assert clients.asked == [IDENTITY], "once a poll"


def test_other_errors_are_not_about_the_credentials(stubs: list[tuple[Caller, Stubber]]) -> None:
    (first, old), (second, _) = stubs
    session, clients = make(first, second)
    StubbedService(old).refuses_start("ResourceNotFoundException", 404, ResourceType="Application")
    with pytest.raises(StallingError, match="the account that the credentials of the first belong to"):
        session.poll()
    StubbedService(old).starts("a")
    old.add_response(
        "get_latest_configuration",
        {"Configuration": StreamingBody(io.BytesIO(b"x"), 1), "NextPollConfigurationToken": "b"},
    )
    assert session.poll() is not None
    assert not clients.asked
