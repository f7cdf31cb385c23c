"""Killed before and after each single write, the operator ends where it ends undisturbed."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.core.formats.render import render
from tests.integration.support.mortal import Run, Step, content
from tests.support.builders import spec, target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appconfig_operator.kube.api import Api

ONE, TWO, THREE, FOUR = (content(text) for text in ("one", "two", "three", "four"))
DIGEST = render(ONE, spec(target=target(key="checkout.json"))).data_digest


def policy(name: str) -> Step:
    return Step(spec={"target": {"creationPolicy": name}})


def rename(name: str) -> Step:
    return Step(spec={"target": {"name": f"NAME-{name}"}})


VERSIONS = [Step(one) for one in (ONE, TWO, ONE, TWO, THREE, FOUR, THREE)]
RENAMES = [Step(ONE), rename("b"), rename("c"), Step(TWO), rename("a")]
POLICIES = [Step(ONE), policy("Orphan"), Step(TWO), policy("Owner"), policy("Merge"), policy("Owner"), Step(THREE)]
PINS = [Step(ONE), Step(TWO), Step(spec={"pinnedDigest": DIGEST}), Step(THREE), Step(spec={"pinnedDigest": None})]
PIN_OF_NOW = [Step(ONE), Step(spec={"pinnedDigest": DIGEST}), Step(TWO), Step(spec={"pinnedDigest": None}), Step(ONE)]


def check(api: Api, admin_api: Api, steps: Sequence[Step]) -> dict[str, Any]:
    """Kill it at each write of each step, and return the end state that there always is.

    The state after a step is all that the next one knows of it. So a run can kill at one write of each step.
    """
    calm = Run(api, admin_api)(steps, kills={}, late=False)
    wrong = []
    for write, after in product(range(1, max(map(len, calm.writes)) + 1), (False, True)):
        ran = Run(api, admin_api)(steps, kills=dict.fromkeys(range(len(steps)), write), after=after, late=False)
        for number, (state, expected) in enumerate(zip(ran.states, calm.states, strict=True)):
            if state != expected:
                parts = sorted(part for part in state if state[part] != expected[part])
                wrong.append(f"step {number}, {'after' if after else 'before'} {ran.writes[number][-1]}: {parts}")
    assert wrong == []
    return calm.states[-1]


@pytest.mark.parametrize(
    ("steps", "versions"),
    [
        (VERSIONS, ["four", "three"]),
        (RENAMES, ["one"]),
        (POLICIES, ["two", "one"]),
        (PINS, ["one", "two"]),
        (PIN_OF_NOW, ["two", "one"]),
    ],
    ids=["versions", "renames", "policies", "pins", "pin of now"],
)
def test_killed_at_any_write_it_ends_where_it_ends_undisturbed(
    api: Api, admin_api: Api, steps: list[Step], versions: list[str]
) -> None:
    end = check(api, admin_api, steps)
    assert [kept["versionLabel"] for kept in end["status"]["history"]] == versions
    assert [condition["reason"] for condition in end["status"]["conditions"]] == ["Synced"]
    numbers = {(kept["digest"], kept["revision"]) for kept in end["status"]["history"]}
    kept = end["revisions"]
    digest = "appconfig-operator.io/digest"
    assert {(one["metadata"]["annotations"][digest], one["revision"]) for one in kept} == numbers


def test_killed_in_a_rename_and_renamed_again_before_it_starts_it_leaves_none_between(api: Api, admin_api: Api) -> None:
    steps = [Step(ONE), rename("b"), rename("c")]
    calm = Run(api, admin_api)(steps, kills={}, late=True)
    assert [write.split("/")[-1] for write in calm.writes[1]] == ["configmaps", "checkout-a", "status"]
    for write, after in product((1, 2, 3), (False, True)):
        ran = Run(api, admin_api)(steps, kills={1: write}, after=after, late=True)
        assert ran.states[-1] == calm.states[-1], (write, after)
    assert [item["metadata"]["name"] for item in calm.states[-1]["configMaps"]] == ["checkout-c"]
