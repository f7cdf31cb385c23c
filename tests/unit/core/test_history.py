from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.api.status import KeptVersion
from appconfig_operator.core.history import (
    PLAIN_LIMIT_BYTES,
    from_revision,
    pruned,
    remembered,
    replaced_version,
    revision_name,
    to_revision,
)
from appconfig_operator.core.plan import Create, plan, wanted_config_map
from appconfig_operator.core.render import Data
from appconfig_operator.core.version import Version
from tests.unit.builders import UID, source

ETCD_LIMIT = 1_572_864
NOW = "2026-01-01T00:00:00Z"


def version(text: str = "x", binary: str | None = None) -> Version:
    return Version(Data(text={"k": text}, binary={"b": binary} if binary else {}), "v1", "text/plain")


def entry(digest: str, revision: int = 1) -> KeptVersion:
    return KeptVersion(digest, "v", revision, NOW)


@pytest.mark.parametrize(
    "kept",
    [version(), version("ü\x00", "/w=="), version("x" * (PLAIN_LIMIT_BYTES + 1)), version("\x01" * 1_000_000)],
    ids=["plain", "binary", "large", "long escapes"],
)
def test_a_kept_version_comes_back_as_it_was(kept: Version) -> None:
    body = json.loads(json.dumps(to_revision(source(), kept, 7)))
    assert from_revision(body) == kept
    assert body["revision"] == 7
    assert len(json.dumps(body)) < ETCD_LIMIT


def test_a_large_version_is_compressed() -> None:
    assert set(to_revision(source(), version("x" * (PLAIN_LIMIT_BYTES + 1)), 1)["data"]) == {"gzip"}
    assert set(to_revision(source(), version("x"), 1)["data"]) == {"data"}


def test_a_revision_belongs_to_its_source() -> None:
    metadata = to_revision(source(), version(), 1)["metadata"]
    (owner,) = metadata["ownerReferences"]
    assert (owner["uid"], owner["blockOwnerDeletion"]) == (UID, False)
    assert metadata["annotations"]["appconfig-operator.io/digest"] == version().data.digest


@pytest.mark.parametrize(
    "damage",
    [
        {"data": {"data": {"k": "changed"}}},
        {"data": {"gzip": "no base64"}},
        {"data": {"gzip": "bm8gZ3ppcA=="}},
        {"data": {"data": 7}},
        {"data": None},
        {"metadata": {}},
    ],
    ids=["changed", "no base64", "no gzip", "no map", "nothing", "no digest"],
)
def test_a_damaged_revision_is_none(damage: dict[str, Any]) -> None:
    assert from_revision(to_revision(source(), version(), 1) | damage) is None


@given(name=st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?", fullmatch=True))
def test_the_name_of_a_revision_is_valid_and_tells_versions_apart(name: str) -> None:
    one = revision_name(source(name=name), version("1").data.digest)
    two = revision_name(source(name=name), version("2").data.digest)
    assert one != two
    assert len(one) <= 253
    assert (
        all(part and part.strip("-") == part for part in one.split(".")) or ".-" in name or "-." in name or ".." in name
    )


def test_only_what_the_operator_wrote_is_a_version() -> None:
    action = plan(wanted_config_map(source(), version()), None)
    assert isinstance(action, Create)
    observed = copy.deepcopy(dict(action.body))
    assert replaced_version(observed) == version()
    observed["data"]["k"] = "changed by somebody"
    assert replaced_version(observed) is None
    del observed["metadata"]["annotations"]
    assert replaced_version(observed) is None


def test_a_version_that_is_there_already_moves_up() -> None:
    digest = version().data.digest
    history, newest = remembered((entry("b", 5), entry(digest, 2)), version(), now=NOW)
    assert [kept.digest for kept in history] == [digest, "b"]
    assert newest.revision == 6


@pytest.mark.parametrize(
    ("limit", "pinned", "kept", "dropped"),
    [
        (3, None, "abc", ""),
        (2, None, "ab", "c"),
        (0, None, "", "abc"),
        (2, "c", "ac", "b"),
        (0, "c", "c", "ab"),
        (1, "a", "a", "bc"),
    ],
)
def test_a_history_is_cut_from_its_old_end(limit: int, pinned: str | None, kept: str, dropped: str) -> None:
    cut = pruned(tuple(entry(digest) for digest in "abc"), limit=limit, pinned=pinned)
    assert "".join(one.digest for one in cut.history) == kept
    assert "".join(cut.dropped) == dropped
