"""How long a call about the Secrets of a handover may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from appconfig_operator.core.sharding.handover import HandedOver, SavedSession
from appconfig_operator.kube.handovers import Handovers

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api

OLD = {"metadata": {"name": "old", "uid": "1", "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}}


class Calls:
    """Answers each list with one Secret that is damaged, and notes what each call may take."""

    def __init__(self) -> None:
        self.timeouts: list[tuple[str, float | None]] = []

    def call(self, method: str, path: str, *, timeout: float | None = None, **_: Any) -> dict[str, Any]:
        assert "/namespaces/ops/" in path
        self.timeouts.append((method, timeout))
        return {"metadata": {"resourceVersion": "1"}, "items": [OLD]}

    def sized(self, method: str, path: str, **options: Any) -> tuple[dict[str, Any], int]:
        return self.call(method, path, **options), 100


def test_no_call_may_take_long() -> None:
    calls = Calls()
    store = Handovers(cast("Api", calls), "ops", timeout=3.0, shards=1)
    session = HandedOver("a", 1, 0.0, 0.0, "", SavedSession("token", 60, delivered=True))
    store.put(0, [session])
    assert store.take(0) == []
    assert calls.timeouts == [(method, 3.0) for method in ("GET", "DELETE", "POST", "GET", "DELETE", "GET", "DELETE")]
