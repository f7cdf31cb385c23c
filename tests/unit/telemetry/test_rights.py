"""What is logged, and passed on, of rights that are missing."""

from __future__ import annotations

import logging

import pytest

from appconfig_operator.telemetry.rights import Rights


class RightsBench:
    def __init__(self, *namespaces: str) -> None:
        self.now = 0.0
        self.rights = Rights(namespaces, lambda: self.now)

    def refuse(self, verb: str, resource: str, namespace: str = "shop") -> None:
        """Let it be refused for two minutes."""
        for _ in range(60):
            self.rights.answered(verb, resource, namespace, allowed=False)
            self.now += 2


def test_a_missing_right_is_logged_once_and_its_return_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = RightsBench("shop")
    bench.refuse("watch", "appconfigsources")
    assert bench.rights.counts() == {("watch", "appconfigsources"): 1}
    assert bench.rights.missing() == ["the operator is not allowed to watch appconfigsources in namespace shop"]
    bench.rights.answered("watch", "appconfigsources", "shop", allowed=True)
    assert bench.rights.counts() == {("watch", "appconfigsources"): 0}
    assert bench.rights.missing() == []
    lost, back = caplog.records
    assert lost.levelno == logging.ERROR
    assert "not allowed to watch appconfigsources in namespace shop, so new and changed sources there" in lost.message
    assert back.message == "The operator is now allowed to watch appconfigsources in namespace shop"


@pytest.mark.parametrize("look", [Rights.counts, Rights.missing])
def test_one_that_is_not_refused_any_more_is_told_by_the_next_look(
    caplog: pytest.LogCaptureFixture, look: object
) -> None:
    caplog.set_level(logging.INFO)
    bench = RightsBench()
    bench.refuse("watch", "appconfigsources", "")
    bench.now += 100
    assert callable(look)
    look(bench.rights)
    assert caplog.messages[1:] == ["The operator is now allowed to watch appconfigsources in all namespaces"]


def test_a_clusterrole_without_a_verb_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    bench = RightsBench()
    for number in range(1000):
        bench.refuse("create", "events", f"team-{number}")
        bench.now -= 120
    assert len(caplog.messages) == 5
    assert bench.rights.counts() == {("create", "events"): 1000}


def test_what_others_log_is_counted_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = RightsBench()
    bench.refuse("delete", "leases", "ops")
    assert bench.rights.counts() == {("delete", "leases"): 1}
    bench.rights.answered("delete", "leases", "ops", allowed=True)
    assert caplog.messages == []


def test_what_it_has_no_rule_for_is_passed_over() -> None:
    bench = RightsBench()
    bench.refuse("create", "serviceaccounts/token")
    assert bench.rights.counts() == {}
