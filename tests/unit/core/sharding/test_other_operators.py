"""Which other operators are running, and which namespaces they share with this one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appconfig_operator.core.sharding.lease import Lease, member_lease, shard_lease, to_dict
from appconfig_operator.core.sharding.other_operators import (
    SERVES,
    OtherLease,
    leases_of_others,
    renewed,
    serving,
    warning,
)


def stored(namespace: str, serves: str | None = "*", **changes: Any) -> dict[str, Any]:
    lease = replace(Lease(shard_lease(0), "op-1", 1, 15, uid="u", version="7"), **changes)
    body = to_dict(lease, now="2026-01-01T00:00:00Z")
    body["metadata"] |= {"namespace": namespace, "uid": "u", "resourceVersion": lease.version}
    if serves is not None:
        body["metadata"]["annotations"][SERVES] = serves
    return body


def test_held() -> None:
    items = [
        stored("own"),
        stored("free", holder=""),
        stored("other", serves=None, name=member_lease("op-1"), version="8", duration=None),
        stored("another", serves="a,b", duration=9_999),
        {"metadata": {"name": "somebody's", "namespace": "x", "uid": "u", "resourceVersion": "1"}},
    ]
    assert leases_of_others(items, "own") == [
        OtherLease("other", "appconfig-operator-member-op-1", "8", 0, ""),
        OtherLease("another", "appconfig-operator-shard-0", "7", 300, "a,b"),
    ]
    bare = stored("other")
    bare["metadata"]["annotations"] = None
    assert [lease.serves for lease in leases_of_others([bare], "own")] == [""]


def test_only_an_operator_that_renews_is_running() -> None:
    """A Lease stays when its holder was killed; a new one may appear between two lists."""
    transitions, goes = OtherLease("gone", "a", "1", 15, "*"), OtherLease("there", "a", "1", 15, "x")
    new = OtherLease("new", "b", "5", 15, "")
    assert renewed([transitions, goes], [transitions, replace(goes, version="2"), new]) == {"there": "x", "new": ""}
    assert renewed([transitions], []) == {}


def test_serving() -> None:
    assert (serving([]), serving(["a", "b"])) == ("*", "a,b")


@pytest.mark.parametrize(
    ("theirs", "ours", "words"),
    [
        ("*", [], "and also serves all namespaces"),
        ("*", ["a"], "and also serves namespace a"),
        ("a,b", [], "and also serves namespaces a, b"),
        ("a,b", ["b", "c"], "and also serves namespace b"),
        ("a,b,c,d,e,f,g", [], "and also serves namespaces a, b, c, d, e and 2 more"),
        ("", ["a"], "and may serve the same namespaces"),
    ],
)
def test_what_both_serve_is_named(theirs: str, ours: list[str], words: str) -> None:
    said = warning("platform", theirs, ours)
    assert words in said
    assert "in namespace platform" in said


@pytest.mark.parametrize(("theirs", "ours"), [("*", []), ("a", ["a"]), ("b,a", ["a", "b"])])
def test_the_same_namespaces_can_be_shared(theirs: str, ours: list[str]) -> None:
    said = warning("platform", theirs, ours)
    assert said.endswith(
        "Stop one of them, give this one different namespaces (--namespace), "
        "or let them share the work (--lease-namespace=platform)"
    )


@pytest.mark.parametrize(
    ("theirs", "ours"), [("*", ["a"]), ("a", []), ("a,b", ["b", "c"]), ("a,b", ["a"]), ("a", ["a", "b"]), ("", [])]
)
def test_an_operator_that_serves_others_as_well_is_not_a_replica(theirs: str, ours: list[str]) -> None:
    """Sharing the Leases, each would leave to the other sources that it does not serve."""
    said = warning("platform", theirs, ours)
    assert said.endswith("Stop one of them, or give this one different namespaces (--namespace)")


def test_a_long_annotation_makes_no_long_line() -> None:
    said = warning("platform", ",".join(["x" * 200_000] * 1000), [])
    assert "and 995 more" in said
    assert len(said) < 800


def test_an_operator_that_serves_other_namespaces_is_not_a_problem() -> None:
    assert warning("platform", "a,b", ["c"]) == ""
