"""The policy before the service: who is kept out makes no call, and says so at each poll."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.errors import Reason, StallingError
from appconfig_operator.core.policy import Policy, Rule
from appconfig_operator.core.sharding.handover import SavedSession
from appconfig_operator.engine.policy_guard import PolicyGuard
from tests.support.builders import content, source, spec
from tests.unit.support.engine_fakes import World

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.ports import ConfigurationSession

GATE = Policy((Rule(namespaces=("shop",), applications=("shop",)),))


def test_allowed() -> None:
    world = World(answers=[content()])
    assert PolicyGuard(world, GATE).session(source()).poll() == content()
    assert (world.sessions, world.polls) == (1, 1)


def test_forbidden() -> None:
    world = World(answers=[content()])
    session = PolicyGuard(world, GATE).session(source(spec=spec(application="stock", poll_interval_seconds=75)))
    assert session.interval == 75
    for _ in range(2):
        with pytest.raises(StallingError, match="application stock") as forbidden:
            session.poll()
        assert forbidden.value.reason is Reason.FORBIDDEN_BY_POLICY
    assert (world.sessions, world.polls) == (0, 0)
    assert session.save() is None


@dataclass
class Remembering:
    """A service that reports what it was given."""

    world: World
    saved: list[SavedSession | None] = field(default_factory=list)

    def session(self, source: Source, saved: SavedSession | None = None) -> ConfigurationSession:
        self.saved.append(saved)
        return self.world.session(source)


def test_a_session_of_another_replica_is_continued_when_it_is_allowed() -> None:
    saved = SavedSession("token", 60, delivered=True)
    service = Remembering(World())
    PolicyGuard(service, GATE).session(source(), saved)
    assert service.saved == [saved]
    forbidden = PolicyGuard(service, GATE).session(source(spec=spec(application="stock")), saved)
    assert service.saved == [saved]
    assert forbidden.save() is None
