"""The proxy's rules of tokens."""

from __future__ import annotations

import pytest

from sandbox.aws.appconfig import Place
from sandbox.aws.data_plane import Problem, Rules
from sandbox.aws.data_plane.backend import Feed
from sandbox.aws.data_plane.tokens import Session, Token, Tokens
from tests.support.clock import Clock

PLACE = Place("shop", "production", "checkout")
RECEIVED = b"mark"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def start(tokens: Tokens) -> tuple[str, Session]:
    return tokens.start(PLACE, 60, Feed(PLACE, flags=False, token="upstream"))


def spend(tokens: Tokens, token: str) -> Token:
    spent = tokens.spend(token)
    assert isinstance(spent, Token)
    return spent


def test_tokens_are_as_long_as_those_of_aws(clock: Clock) -> None:
    tokens = Tokens(Rules(), clock)
    first, session = start(tokens)
    following = tokens.renew(session, RECEIVED)
    assert (len(first), len(following)) == (836, 876)
    assert tokens.issued() == [first, following]


def test_newest_used_token_is_good_again_and_no_older_one(clock: Clock) -> None:
    tokens = Tokens(Rules(enforce_interval=False), clock)
    first, session = start(tokens)
    assert spend(tokens, first).session is session
    second = tokens.renew(session, RECEIVED)
    assert spend(tokens, first).received == b"", "as if nothing had been received"
    assert spend(tokens, second).received == RECEIVED
    assert tokens.spend(first) is Problem.CORRUPTED
    assert tokens.spend("unknown") is Problem.CORRUPTED
    assert [one.used for token in (first, second) if (one := tokens.find(token))] == [2, 1]


def test_token_given_back_is_as_if_never_used(clock: Clock) -> None:
    tokens = Tokens(Rules(enforce_interval=False), clock)
    first, _ = start(tokens)
    tokens.give_back(spend(tokens, first))
    assert spend(tokens, first).used == 1


def test_sessions_are_counted(clock: Clock) -> None:
    tokens = Tokens(Rules(), clock)
    assert [start(tokens)[1].number for _ in range(2)] == [1, 2]
    assert tokens.find("c") is None


def test_token_expires(clock: Clock) -> None:
    tokens = Tokens(Rules(token_lifetime=100), clock)
    first, session = start(tokens)
    clock.now += 99.9
    second = tokens.renew(session, RECEIVED)
    clock.now += 0.1
    assert tokens.spend(first) is Problem.EXPIRED
    assert tokens.spend(first) is Problem.EXPIRED
    clock.now += 60
    spend(tokens, second)


def test_interval_is_enforced(clock: Clock) -> None:
    tokens = Tokens(Rules(), clock)
    first, session = start(tokens)
    spend(tokens, first)
    second = tokens.renew(session, RECEIVED)
    clock.now += 59.9
    assert tokens.spend(second) is Problem.TOO_EARLY
    clock.now += 0.1
    spend(tokens, second)


def test_interval_of_the_rules_wins(clock: Clock) -> None:
    rules = Rules()
    tokens = Tokens(rules, clock)
    _, session = start(tokens)
    token = tokens.renew(session, RECEIVED)
    clock.now += 1
    assert tokens.spend(token) is Problem.TOO_EARLY
    rules.poll_interval = 1
    assert tokens.interval(session) == 1
    spend(tokens, token)


def test_interval_not_enforced(clock: Clock) -> None:
    tokens = Tokens(Rules(enforce_interval=False), clock)
    _, session = start(tokens)
    spend(tokens, tokens.renew(session, RECEIVED))
