"""`managedFields` hold whatever JSON a client has sent: none of it may break a reader."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from appconfig_operator.api.labels import FIELD_MANAGER
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.contest import contested, foreign
from appconfig_operator.core.target.drift import snapshot
from appconfig_operator.core.target.managed_fields import keep_only, owned_references, pass_on
from appconfig_operator.core.target.merge import plan_merge
from appconfig_operator.core.target.plan import plan, wanted_config_map
from appconfig_operator.core.target.references import reference, waiting
from appconfig_operator.core.target.release import become_shared, release, start_waiting, stop_waiting
from appconfig_operator.core.target.rendered_version import RenderedVersion
from tests.support.builders import source

REFERENCES: dict[str, Any] = {
    "k:{}": {},
    'k:{"x":1}': {},
    "k:5": {},
    'k:{"uid":{}}': {},
    'k:{"uid":null}': {},
    "k:": {},
    "k:" + "[" * 100_000: {},
    'k:"uid"': {},
    ".": {},
    'k:{"uid":"w"}': {},
}
SHAPES: list[Any] = [
    None,
    5,
    "text",
    ["f:data"],
    [],
    {"f:metadata": 5},
    {"f:metadata": ["f:labels"]},
    {"f:metadata": {"f:ownerReferences": "k:", "f:labels": 1, "f:annotations": [1]}},
    {"f:data": True, "f:binaryData": "f:k"},
    {"f:data": {"f:k": 7, "": []}},
    {"f:metadata": {"f:ownerReferences": REFERENCES}},
]


def test_only_uids_are_taken() -> None:
    fields = {"f:metadata": {"f:ownerReferences": REFERENCES}}
    metadata = {"managedFields": [{"manager": FIELD_MANAGER, "fieldsV1": fields}]}
    assert owned_references(metadata, FIELD_MANAGER) == {"w"}


@pytest.mark.parametrize("fields", SHAPES, ids=lambda fields: str(fields)[:40])
@pytest.mark.parametrize("manager", [FIELD_MANAGER, f"{FIELD_MANAGER}/name", "kubectl-edit"])
def test_any_shape_is_survived(manager: str, fields: Any) -> None:
    ours = source()
    wanted = wanted_config_map(ours, RenderedVersion(Data(text={"k": "v"}, binary={}), "v1", "text/plain"))
    observed: dict[str, Any] = {
        "metadata": {
            "namespace": ours.namespace,
            "name": wanted.name,
            "uid": "c",
            "resourceVersion": "1",
            "labels": {"appconfig-operator.io/source-uid": ours.uid},
            "ownerReferences": [reference(ours.name, ours.uid, controls=True), reference("w", "w", controls=False)],
            "managedFields": [
                {"manager": manager, "fieldsV1": fields},
                {"manager": "kubectl"},
                {"manager": manager, "fieldsV1": {"f:data": {"f:k": {}}}},
            ],
        },
        "data": {"k": "v"},
    }
    before = copy.deepcopy(observed)
    snapshot(observed["metadata"])
    waiting(observed["metadata"])
    plan(wanted, observed)
    release(ours, observed)
    stop_waiting("w", observed, held=False)
    start_waiting(wanted, observed)
    become_shared(wanted, observed)
    contested(wanted, observed)
    assert foreign(wanted, observed) == {}
    plan_merge(wanted, observed, {})
    assert observed == before
    pass_on(observed["metadata"], (manager,), "to", "Apply")
    (taken,) = [entry for entry in observed["metadata"]["managedFields"] if entry["manager"] == "to"]
    keep_only(taken, "data")
    assert "f:k" in taken["fieldsV1"]["f:data"]
