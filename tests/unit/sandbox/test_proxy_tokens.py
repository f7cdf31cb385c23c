"""The proxy's rules of tokens."""

from __future__ import annotations

import pytest

from sandbox.appconfig import Place
from sandbox.appconfig_proxy import Problem, Rules
from sandbox.appconfig_proxy.tokens import Session, Tokens

PLACE = Place("shop", "production", "checkout")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spend(tokens: Tokens, token: str) -> Session:
    session = tokens.spend(token)
    assert isinstance(session, Session)
    return session


def test_token_is_good_once(clock: Clock) -> None:
    tokens = Tokens(Rules(enforce_interval=False), clock)
    started = tokens.start("1", PLACE, 60)
    assert spend(tokens, "1") is started
    assert tokens.spend("1") is Problem.CORRUPTED
    tokens.renew("2", started)
    assert spend(tokens, "2") is started
    assert tokens.spend("unknown") is Problem.CORRUPTED


def test_token_given_back_is_good_again(clock: Clock) -> None:
    tokens = Tokens(Rules(enforce_interval=False), clock)
    tokens.start("1", PLACE, 60)
    spend(tokens, "1")
    tokens.give_back("1")
    spend(tokens, "1")


def test_sessions_are_counted(clock: Clock) -> None:
    tokens = Tokens(Rules(), clock)
    assert [tokens.start(token, PLACE, 60).number for token in ("a", "b")] == [1, 2]
    assert tokens.session("b") == Session(2, PLACE, 60)
    assert tokens.session("c") is None


def test_token_expires(clock: Clock) -> None:
    rules = Rules(token_lifetime=100)
    tokens = Tokens(rules, clock)
    session = tokens.start("1", PLACE, 60)
    clock.now += 99.9
    tokens.renew("2", session)
    clock.now += 0.1
    assert tokens.spend("1") is Problem.EXPIRED
    assert tokens.spend("1") is Problem.EXPIRED
    spend(tokens, "2")


def test_interval_is_enforced(clock: Clock) -> None:
    tokens = Tokens(Rules(), clock)
    session = tokens.start("1", PLACE, 60)
    spend(tokens, "1")
    tokens.renew("2", session)
    clock.now += 59.9
    assert tokens.spend("2") is Problem.TOO_EARLY
    clock.now += 0.1
    spend(tokens, "2")


def test_interval_of_the_rules_wins(clock: Clock) -> None:
    rules = Rules()
    tokens = Tokens(rules, clock)
    session = tokens.start("1", PLACE, 60)
    spend(tokens, "1")
    tokens.renew("2", session)
    clock.now += 1
    assert tokens.spend("2") is Problem.TOO_EARLY
    rules.poll_interval = 1
    assert tokens.interval(session) == 1
    spend(tokens, "2")


def test_interval_not_enforced(clock: Clock) -> None:
    tokens = Tokens(Rules(enforce_interval=False), clock)
    session = tokens.start("1", PLACE, 60)
    spend(tokens, "1")
    tokens.renew("2", session)
    spend(tokens, "2")
