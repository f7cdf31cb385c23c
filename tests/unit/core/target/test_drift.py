from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.api.labels import SOURCE_UID
from appconfig_operator.api.status import WrittenTarget
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.drift import (
    ConfigMapSnapshot,
    Drift,
    described,
    drift,
    fighting,
    snapshot,
    source_uid,
)
from appconfig_operator.core.target.plan import Create, plan, wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from tests.support.builders import source

WRITTEN = WrittenTarget("checkout", "sha256:1", 1, "2026-01-01T00:00:00Z", "88")


def sentence(found: Drift | None) -> str | None:
    return described(found) if found is not None else None


def managed(manager: str, **fields: list[str]) -> dict[str, Any]:
    return {
        "manager": manager,
        "fieldsV1": {f"f:{path}": {".": {}} | {f"f:{key}": {} for key in keys} for path, keys in fields.items()},
    }


def metadata(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "namespace": "shop",
        "name": "checkout",
        "resourceVersion": "90",
        "labels": {SOURCE_UID: "u"},
        "annotations": {"appconfig-operator.io/digest": "sha256:1"},
        "managedFields": list(entries or [managed("appconfig-operator", data=["k"])]),
    }
    return fields | changes


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (metadata(), None),
        (metadata(managed("appconfig-operator", binaryData=["k"])), None),
        (metadata(managed("appconfig-operator", data=["k"]), managed("kubectl", metadata=["labels"])), None),
        (metadata(managed("kubectl-edit", data=["k"]), resourceVersion="88"), None),
        (metadata(managed("kubectl-edit", data=["k"]), deletionTimestamp="2026-01-01T00:00:00Z"), None),
        (metadata(managed("kubectl-edit", data=["k"])), "was changed by kubectl-edit"),
        (
            metadata(managed("appconfig-operator", data=["k"]), managed("kubectl-edit", data=["other"])),
            "was changed by kubectl-edit",
        ),
        (
            metadata(managed("appconfig-operator", data=["k"]), managed("x", binaryData=["other"])),
            "was changed by x",
        ),
        (metadata(managed("appconfig-operator")), "was changed"),
        (metadata(managed("appconfig-operator", data=["k", "l"])), "was changed"),
        (metadata(annotations={}), "had the operator's labels or annotations changed"),
        (metadata(labels={}), "had the operator's labels or annotations changed"),
        (None, "was deleted or lost its label appconfig-operator.io/source-uid"),
    ],
    ids=[
        "as written",
        "binary as written",
        "a label of somebody else",
        "our own write",
        "being deleted",
        "a value",
        "a key more",
        "a binary key more",
        "a key less",
        "a key too many of ours",
        "no digest",
        "no mark",
        "deleted",
    ],
)
def test_drift_shows_in_metadata(seen: dict[str, Any] | None, what: str | None) -> None:
    found = snapshot(seen) if seen is not None else snapshot(metadata(), there=False)
    assert sentence(drift(found, WRITTEN)) == what


def test_another_config_map_is_not_drift() -> None:
    assert drift(ConfigMapSnapshot("shop", "the one before"), WRITTEN) is None
    assert drift(ConfigMapSnapshot("shop", "checkout"), None) is None


@pytest.mark.parametrize(
    ("repairs", "expected"), [((), False), ((900, 950), False), ((-900, -500, 900), False), ((900, 950, 999), True)]
)
def test_a_fight_is_many_repairs_in_a_short_time(repairs: tuple[float, ...], expected: bool) -> None:  # noqa: FBT001 (a table)
    assert fighting(repairs, 1000.0) is expected


def test_the_source_of_a_config_map_is_in_its_label() -> None:
    assert source_uid(metadata()) == "u"
    assert source_uid({}) is None


def test_what_the_operator_created_for_a_source_differs_from_a_copy() -> None:
    action = plan(wanted_config_map(source(), RenderedVersion(Data({"k": "x"}, {}), "", "")), None)
    assert isinstance(action, Create)
    mine = {**action.body["metadata"], "resourceVersion": "1"}
    ours, theirs = [{"manager": "appconfig-operator"}], [{"manager": "kubectl"}]
    assert snapshot({**mine, "managedFields": [*theirs, *ours]}).owned
    assert not snapshot({**mine, "managedFields": theirs}).owned
    assert not snapshot(mine).owned
    assert not snapshot({**mine, "managedFields": ours, "ownerReferences": []}).owned
    assert not snapshot({**mine, "managedFields": ours, "labels": {}}).owned
    assert not snapshot(
        {**mine, "managedFields": ours, "labels": {"appconfig-operator.io/source-uid": "another"}}
    ).owned


@pytest.mark.parametrize(
    ("owners", "what"),
    [
        ([{"uid": "u", "controller": True}], None),
        ([{"uid": "u", "controller": False}], "lost its owner reference"),
        ([{"uid": "other", "controller": True}], "lost its owner reference"),
        ([], "lost its owner reference"),
    ],
)
def test_a_removed_owner_reference_is_drift_under_owner(owners: list[dict[str, Any]], what: str | None) -> None:
    seen = snapshot(metadata(ownerReferences=owners))
    assert sentence(drift(seen, WRITTEN, owner=True)) == what
    assert drift(seen, WRITTEN) is None
