"""Which permissions are missing, by the answers: when it is certain, and what it means."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from appconfig_operator.core.missing_rights import (
    EFFECTS,
    FORGET_SECONDS,
    NAMED_AT_MOST,
    RETRIED_SECONDS,
    UNREADY_SECONDS,
    Refusals,
    Right,
    describe,
)

WATCH = Right("watch", "appconfigsources", "")
GET = Right("get", "appconfigsources", "shop")
STATUS = Right("patch", "appconfigsources/status", "shop")


def refuse(refusals: Refusals, right: Right, *, since: float = 0.0, until: float = 1.0) -> None:
    """Let it be refused again and again."""
    refusals.refuse(right, since)
    refusals.refuse(right, until)


def test_there_are_effects_for_all_rights_and_no_others() -> None:
    text = (Path(__file__).parents[3] / "manifests" / "base" / "rbac.yaml").read_text(encoding="utf-8")
    rules = [rule for document in yaml.safe_load_all(text) for rule in document.get("rules", ())]
    rights = {right for rule in rules for right in itertools.product(rule["verbs"], rule["resources"])}
    assert set(EFFECTS) == rights


def test_a_refusal_is_certain_when_it_lasts_and_reported_once() -> None:
    refusals = Refusals(())
    assert [refusals.refuse(GET, now) for now in (0.0, 0.5, 1.0, 2.0)] == [False, False, True, False]
    assert refusals.counts() == {GET.kind: 1}
    assert refusals.named(GET) == 1


def test_a_refusal_that_passes_at_once_does_not_count() -> None:
    """An API server that has just started."""
    refusals = Refusals(())
    refusals.refuse(GET, 0.0)
    assert refusals.allow(GET, 0.5) is False
    assert refusals.refuse(GET, 100.0) is False
    assert refusals.counts() == {}


def test_a_right_that_is_back_is_reported_once_and_counts_as_none() -> None:
    refusals = Refusals(())
    refuse(refusals, GET)
    assert refusals.allow(Right("get", "appconfigsources", "cart"), 2.0) is False
    assert [refusals.allow(GET, 2.0), refusals.allow(GET, 3.0)] == [True, False]
    assert refusals.counts() == {GET.kind: 0}


def test_namespaces_are_counted() -> None:
    refusals = Refusals(("shop", "cart"))
    for namespace in ("shop", "cart"):
        refuse(refusals, Right("get", "configmaps", namespace))
    assert refusals.counts() == {("get", "configmaps"): 2}


@pytest.mark.parametrize(
    ("right", "seconds"),
    [
        (WATCH, RETRIED_SECONDS),
        (Right("list", "configmaps", "shop"), RETRIED_SECONDS),
        (Right("list", "leases", "ops"), FORGET_SECONDS),
        (GET, FORGET_SECONDS),
    ],
)
def test_what_is_no_longer_refused_is_forgotten(right: Right, seconds: float) -> None:
    refusals = Refusals(())
    refuse(refusals, right)
    assert refusals.expire(1.0 + seconds) == []
    assert refusals.expire(1.1 + seconds) == [right]
    assert refusals.counts() == {right.kind: 0}
    refusals.refuse(right, 5000.0)
    assert refusals.expire(10_000.0) == [], "it was not certain"


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_without_a_list_or_a_watch_anywhere_it_is_crippled(verb: str) -> None:
    refusals = Refusals(("shop", "cart"))
    shop, cart = (Right(verb, "appconfigsources", namespace) for namespace in ("shop", "cart"))
    refuse(refusals, shop)
    assert refusals.crippling(UNREADY_SECONDS) == [], "the other namespace is served"
    refuse(refusals, cart)
    assert refusals.crippling(UNREADY_SECONDS - 1) == [], "it may pass"
    assert refusals.crippling(UNREADY_SECONDS) == [cart, shop]
    refusals.allow(shop, 100.0)
    assert refusals.crippling(100.0) == []


def test_of_all_namespaces_together_there_is_one_watch() -> None:
    refusals = Refusals(())
    refuse(refusals, WATCH)
    assert refusals.crippling(UNREADY_SECONDS) == [WATCH]


def test_without_a_status_anywhere_it_is_crippled() -> None:
    refusals = Refusals(())
    refusals.allow(Right("patch", "appconfigsources/status", "cart"), 0.0)
    refuse(refusals, STATUS, since=1.0, until=2.0)
    assert refusals.crippling(1.0 + UNREADY_SECONDS) == [STATUS], "none was let through since"
    refusals.allow(Right("patch", "appconfigsources/status", "cart"), 40.0)
    assert refusals.crippling(41.0) == [], "others are"


@pytest.mark.parametrize("right", [GET, Right("create", "configmaps", "shop"), Right("create", "events", "shop")])
def test_other_rights_cripple_nothing(right: Right) -> None:
    refusals = Refusals(())
    refuse(refusals, right)
    assert refusals.crippling(1000.0) == []


def test_the_message_names_verb_resource_namespace_and_remedy() -> None:
    words = describe(STATUS, 1)
    for part in ("not allowed to patch appconfigsources/status in namespace shop, so", "Bind a role", "rbac.yaml"):
        assert part in words
    assert "watch appconfigsources in all namespaces" in describe(WATCH, 1)


def test_not_all_namespaces_are_listed() -> None:
    assert describe(STATUS, NAMED_AT_MOST).endswith("Further namespaces are not listed")
    assert describe(STATUS, NAMED_AT_MOST + 1) == ""


def test_what_others_report_is_not_reported_twice() -> None:
    assert describe(Right("delete", "leases", "ops"), 1) == ""
