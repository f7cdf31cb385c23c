"""The policy before the service: who is kept out makes no call, and says so at each poll."""

from __future__ import annotations

import pytest

from appconfig_operator.core.errors import Reason, StallingError
from appconfig_operator.core.policy import Policy, Rule
from appconfig_operator.engine.gate import Gate
from tests.unit.builders import content, source, spec
from tests.unit.engine.fakes import World

GATE = Policy((Rule(namespaces=("shop",), applications=("shop",)),))


def test_allowed() -> None:
    world = World(answers=[content()])
    assert Gate(world, GATE).session(source()).poll() == content()
    assert (world.sessions, world.polls) == (1, 1)


def test_forbidden() -> None:
    world = World(answers=[content()])
    session = Gate(world, GATE).session(source(spec=spec(application="stock", poll_interval_seconds=75)))
    assert session.interval == 75
    for _ in range(2):
        with pytest.raises(StallingError, match="application stock") as forbidden:
            session.poll()
        assert forbidden.value.reason is Reason.FORBIDDEN_BY_POLICY
    assert (world.sessions, world.polls) == (0, 0)
