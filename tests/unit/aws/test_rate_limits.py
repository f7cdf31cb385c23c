"""Who may call AWS now: quotas shared between replicas, and kept apart by account, region and operation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.aws.rate_limits import IDLE_SECONDS, LATEST, LIMIT, START, Operation, RateLimits
from appconfig_operator.core.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_mock import MockerFixture

ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "eu-west-1"


@dataclass
class TimedLimits:
    percent: int = 80
    replicas: int = 1
    now: float = 100.0
    limits: RateLimits = field(init=False)

    def __post_init__(self) -> None:
        self.limits = RateLimits(percent=self.percent, replicas=lambda: self.replicas, monotonic=lambda: self.now)

    def take(self, account: str = ACCOUNT, region: str = REGION, operation: Operation = START) -> float:
        return self.limits.take(account, region, operation)

    def emptied(self, account: str = ACCOUNT, region: str = REGION, operation: Operation = START) -> int:
        taken = 0
        while not self.take(account, region, operation):
            taken += 1
        return taken


@pytest.mark.parametrize(
    ("percent", "replicas", "operation", "burst"),
    [
        (80, 1, START, 80),
        (80, 1, LATEST, 160),
        (80, 4, LATEST, 40),
        (80, 0, LATEST, 160),
        (200, 2, START, 100),
        (1, 64, START, 1),
    ],
)
def test_the_quota_is_shared(percent: int, replicas: int, operation: Operation, burst: int) -> None:
    """The burst is a fifth of a second's worth."""
    scene = TimedLimits(percent=percent, replicas=replicas)
    assert scene.emptied(operation=operation) == burst
    rate = operation.quota * percent / 100 / max(1, replicas)
    assert scene.take(operation=operation) == pytest.approx(2 / rate)


def test_what_has_its_own_quota() -> None:
    scene = TimedLimits()
    assert scene.emptied() == 80
    assert scene.take(account=OTHER) == 0
    assert scene.take(region="us-east-1") == 0
    assert scene.take(operation=LATEST) == 0
    assert scene.take() > 0


def test_a_throttled_call_slows_down_all_that_share_the_quota() -> None:
    scene = TimedLimits()
    for account in (ACCOUNT, OTHER):
        scene.take(account=account)
    scene.limits.throttled(ACCOUNT, REGION, START)
    assert scene.take() > 0
    assert scene.take(account=OTHER) == 0
    assert scene.take(operation=LATEST) == 0
    scene.limits.throttled("777788889999", REGION, START)  # forgotten meanwhile


def test_another_replica() -> None:
    scene = TimedLimits()
    scene.take()
    scene.replicas = 2
    scene.now += 1
    assert scene.emptied() == 40
    scene.replicas = 1
    scene.take()
    scene.now += 60
    assert scene.emptied() == 80


def test_whoever_has_waited_goes_first() -> None:
    scene = TimedLimits()
    scene.emptied()
    first, _ = scene.take(), scene.take()
    scene.now += first
    assert scene.take() > 0
    assert scene.limits.take(ACCOUNT, REGION, START, waited=True) == 0


def test_idle_ones_are_forgotten() -> None:
    scene = TimedLimits()
    for number in range(50):
        scene.take(account=str(number))
    scene.now += IDLE_SECONDS + 1
    scene.take()
    assert len(scene.limits._kept) == 1


def test_there_are_never_more_than_the_limit() -> None:
    scene = TimedLimits()
    for number in range(LIMIT + 50):
        scene.now += 0.01
        scene.take(account=str(number))
        scene.take(account="0")
    assert len(scene.limits._kept) == LIMIT
    assert ("0", REGION, START) in scene.limits._kept, "in use all the time"
    assert ("1", REGION, START) not in scene.limits._kept, "the one that was used the longest ago"


def test_one_thread_at_a_time(mocker: MockerFixture) -> None:
    """A rate limit is not safe to share: nobody touches one without the lock."""
    scene = TimedLimits()
    held = []
    for name in ("__init__", "resize", "take", "throttled"):
        original = getattr(RateLimit, name)

        def spied(*arguments: Any, _original: Callable[..., Any] = original, **named: Any) -> Any:
            held.append(scene.limits._lock.locked())
            return _original(*arguments, **named)

        mocker.patch.object(RateLimit, name, spied)
    scene.take()
    scene.limits.throttled(ACCOUNT, REGION, START)
    assert held == [True] * 4
