"""A check at the start: whoever polls the same sources is named once, and what cannot be seen is no problem."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.watches import other_operators as module
from appconfig_operator.watches.other_operators import OtherOperators
from tests.unit.core.sharding.test_other_operators import stored

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)


@dataclass
class Leases:
    """Answers each look with the next of some lists, and then with the last one."""

    looks: list[Any]
    allowed: bool = True
    listed: int = 0
    errors: list[Exception] = field(default_factory=list)

    def visible(self) -> bool:
        if self.errors:
            raise self.errors.pop(0)
        return self.allowed

    def list(self) -> Sequence[dict[str, Any]]:
        self.listed += 1
        found: Sequence[dict[str, Any]] = self.looks[min(self.listed, len(self.looks)) - 1]
        return found


def reported(leases: Leases, caplog: pytest.LogCaptureFixture, *, namespaces: Sequence[str] = ()) -> list[str]:
    caplog.set_level(logging.INFO, "appconfig_operator")
    others = OtherOperators(leases, own="own", namespaces=namespaces, stop=threading.Event())
    others.start()
    others._thread.join(10)
    assert not others._thread.is_alive()
    assert {record.levelname for record in caplog.records} <= {"WARNING"}
    return caplog.messages


def at(version: int, namespace: str = "other", serves: str | None = "*") -> dict[str, Any]:
    return stored(namespace, serves, version=str(version), duration=0)


def test_another_one_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    gone = at(1, "gone")
    (words,) = reported(Leases([[gone, at(1), at(3, "own")], [gone, at(2)], [gone, at(3)]]), caplog)
    assert "in namespace other, and also serves all namespaces" in words


@pytest.mark.parametrize(
    ("looks", "listed"),
    [([[]], 1), ([[at(1, "own")], [at(2, "own")]], 1), ([[at(1)]], 6), ([[at(1)], []], 6)],
    ids=["nobody", "own replicas", "one that was killed", "one that has just stopped"],
)
def test_there_is_nobody(caplog: pytest.LogCaptureFixture, looks: list[Any], listed: int) -> None:
    leases = Leases(looks)
    assert reported(leases, caplog) == []
    assert leases.listed == listed


def test_one_that_serves_other_namespaces_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(Leases([[at(1, serves="a,b")], [at(2, serves="a,b")]]), caplog, namespaces=["c"]) == []


@pytest.mark.parametrize(
    "leases",
    [
        Leases([], allowed=False),
        Leases([], errors=[ApiError(403, {})]),
        Leases([[{"metadata": {}}]]),
        Leases([[]], errors=[UnreachableError("away"), UnreachableError("away")]),
    ],
    ids=["may not", "refused", "unreadable", "away at first"],
)
def test_what_cannot_be_seen_is_no_problem(caplog: pytest.LogCaptureFixture, leases: Leases) -> None:
    assert reported(leases, caplog) == []
    assert leases.errors == []


def test_a_stop_ends_it() -> None:
    stop = threading.Event()
    stop.set()
    leases = Leases([[at(1)]])
    others = OtherOperators(leases, own="own", namespaces=(), stop=stop)
    others.start()
    others._thread.join(10)
    assert leases.listed == 0
