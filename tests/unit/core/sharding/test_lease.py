from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appconfig_operator.core.sharding.lease import Lease, from_dict, identity, member_lease, shard_lease, to_dict

NOW = "2026-01-01T00:00:00.000000Z"
HELD = Lease(shard_lease(3), "op-1", 8, 15, transitions=2, acquired=NOW, uid="u", version="7")


def stored(lease: Lease, **metadata: Any) -> dict[str, Any]:
    body = to_dict(lease, now=NOW)
    body["metadata"] |= {"uid": "u", "resourceVersion": "7", **metadata}
    return body


@pytest.mark.parametrize("lease", [HELD, replace(HELD, name=member_lease("op-1")), replace(HELD, holder="")])
def test_what_is_written_is_what_is_read(lease: Lease) -> None:
    assert from_dict(stored(lease)) == lease


def test_a_write_says_what_it_expects_and_a_create_expects_nothing() -> None:
    metadata = to_dict(HELD, now=NOW)["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == ("u", "7")
    assert not {"uid", "resourceVersion"} & set(to_dict(replace(HELD, uid="", version=""), now=NOW)["metadata"])


def test_kinds_are_distinguished_by_a_label() -> None:
    kinds = [
        to_dict(replace(HELD, name=name), now=NOW)["metadata"]["labels"] for name in (HELD.name, member_lease("a"))
    ]
    assert [labels["appconfig-operator.io/lease"] for labels in kinds] == ["shard", "member"]
    assert {labels["app.kubernetes.io/managed-by"] for labels in kinds} == {"appconfig-operator"}


def test_a_new_holder_has_it_from_now_on_and_a_renewal_does_not_change_since_when() -> None:
    later = "2026-01-01T00:00:05.000000Z"
    new = to_dict(replace(HELD, acquired=""), now=later)["spec"]
    renewed = to_dict(HELD, now=later)["spec"]
    assert (new["acquireTime"], new["renewTime"]) == (later, later)
    assert (renewed["acquireTime"], renewed["renewTime"]) == (NOW, later)


def test_a_lease_with_missing_fields_can_be_read() -> None:
    body = stored(HELD, annotations=None)
    body["spec"] = None
    assert from_dict(body) == Lease(HELD.name, "", None, None, uid="u", version="7")
    assert from_dict(stored(HELD, annotations={"appconfig-operator.io/shards": "-1"})) == replace(HELD, shards=None)


@pytest.mark.parametrize("name", ["other", "appconfig-operator-shard-x", "appconfig-operator-shard-01"])
def test_a_lease_with_another_name_is_not_ours(name: str) -> None:
    assert from_dict(stored(HELD, name=name)) is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("appconfig-operator-7d9c-x2k4z", "appconfig-operator-7d9c-x2k4z-0123abcd"),
        ("My.Host_1", "my-host-1-0123abcd"),
        ("-", "replica-0123abcd"),
        ("", "replica-0123abcd"),
        ("a" * 60 + "-x2k4z", "a" * 34 + "-x2k4z-0123abcd"),
    ],
)
def test_an_identity_can_be_part_of_a_name(host: str, name: str) -> None:
    assert identity(host, "0123abcd") == name
    assert len(member_lease(name)) <= 253
