"""What is replaced is kept before the write that replaces it, whatever races."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import OvertakenError, Reason, SourceError, StallingError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.plan import Create, Replace, WantedConfigMap
from appconfig_operator.core.target.planned_write import PlannedWrite, WriteResult
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.engine.sync import ATTEMPTS, sync

OVERTAKEN = OvertakenError(Reason.TARGET_UNAVAILABLE, "faster")
REFUSED = StallingError(Reason.TARGET_REJECTED, "quota")
DONE = WriteResult("2", changed=True)


def wanted(policy: CreationPolicy = CreationPolicy.OWNER) -> WantedConfigMap:
    return WantedConfigMap("shop", "checkout", policy, "checkout", "u", {}, {}, Data({"k": "new"}, {}))


def version(text: str) -> RenderedVersion:
    return RenderedVersion(Data({"k": text}, {}), text, "text/plain")


@dataclass
class Store:
    """Others write the ConfigMap before some of the writes; what each plan would replace is said by the test."""

    replaced: list[str | None]
    writes: list[SourceError | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def plan(self, wanted: WantedConfigMap, *, known: bool) -> PlannedWrite:
        self.calls.append("read and plan" if known else "plan")
        now = self.replaced.pop(0)
        return PlannedWrite(wanted, Create({}) if now is None else Replace({}), version(now) if now else None)

    def write(self, planned: PlannedWrite) -> WriteResult:
        held = planned.replaced.label if planned.replaced is not None else "nothing"
        self.calls.append(f"write over {held}")
        error = self.writes.pop(0) if self.writes else None
        if error is not None:
            raise error.copy()
        return DONE

    def merge(self, wanted: WantedConfigMap) -> WriteResult:
        assert wanted.policy is CreationPolicy.MERGE
        self.calls.append("merge")
        return DONE

    def sync(self, *, known: bool, policy: CreationPolicy = CreationPolicy.OWNER) -> WriteResult:
        return sync(self, wanted(policy), known=known, keep=lambda kept: self.calls.append(f"keep {kept.label}"))  # type: ignore[arg-type]


def test_what_is_replaced_is_kept_between_plan_and_write() -> None:
    store = Store(["v1"])
    assert store.sync(known=True) is DONE
    assert store.calls == ["read and plan", "keep v1", "write over v1"]


def test_one_that_was_overtaken_keeps_what_the_others_wrote_too() -> None:
    store = Store([None, "v1", "v2"], [OVERTAKEN, OVERTAKEN])
    assert store.sync(known=False) is DONE
    assert store.calls == [
        *("plan", "write over nothing"),
        *("read and plan", "keep v1", "write over v1"),
        *("read and plan", "keep v2", "write over v2"),
    ]


def test_after_some_rounds_others_are_given_time() -> None:
    store = Store([None] * 10, [OVERTAKEN] * 10)
    with pytest.raises(OvertakenError):
        store.sync(known=True)
    assert store.calls == ["read and plan", "write over nothing"] * ATTEMPTS


def test_what_is_refused_is_not_tried_again() -> None:
    store = Store(["v1"], [REFUSED])
    with pytest.raises(StallingError, match="quota"):
        store.sync(known=True)
    assert store.calls == ["read and plan", "keep v1", "write over v1"]


def test_what_cannot_be_kept_is_not_replaced() -> None:
    store = Store(["v1"])

    def keep(_: RenderedVersion) -> None:
        raise REFUSED.copy()

    with pytest.raises(StallingError, match="quota"):
        sync(store, wanted(), known=True, keep=keep)  # type: ignore[arg-type]
    assert store.calls == ["read and plan"]


def test_a_merge_replaces_no_version() -> None:
    store = Store([])
    assert store.sync(known=True, policy=CreationPolicy.MERGE) is DONE
    assert store.calls == ["merge"]
