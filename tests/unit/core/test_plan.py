from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from appconfig_operator.api.v1alpha1 import Source
from appconfig_operator.core.content import Content
from appconfig_operator.core.errors import Reason, StallingError, TransientError
from appconfig_operator.core.plan import Create, Replace, WantedConfigMap, plan, wanted_config_map
from appconfig_operator.core.render import render
from tests.unit.builders import UID, content, source, spec, target

DATA = Path(__file__).parents[2] / "data"


def wanted(body: bytes = b'{"a":1}', **changes: Any) -> WantedConfigMap:
    asked = source(spec=spec(target=target(**changes)))
    received = content(body)
    return wanted_config_map(asked, received, render(received, asked.spec.target))


def stored(want: WantedConfigMap | None = None) -> dict[str, Any]:
    """Give the ConfigMap as the API server would send it after we created it."""
    created = plan(want or wanted(), None)
    assert isinstance(created, Create)
    body = copy.deepcopy(dict(created.body))
    metadata = body["metadata"]
    fields = {f"f:{kind}": {".": {}} | {f"f:{key}": {} for key in metadata[kind]} for kind in ("labels", "annotations")}
    metadata |= {
        "uid": "c0ffee",
        "resourceVersion": "88",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [
            {"manager": "appconfig-operator", "operation": "Update", "fieldsV1": {"f:metadata": fields}},
            {"manager": "kubectl", "fieldsV1": {"f:metadata": {"f:labels": {"f:team": {}}}}},
        ],
    }
    return body


@pytest.mark.parametrize("name", sorted(path.name for path in (DATA / "input" / "raw").iterdir()))
def test_golden_config_maps(name: str) -> None:
    case = yaml.safe_load((DATA / "input" / "raw" / name).read_text())
    asked = Source.from_dict(case["source"])
    received = case["received"]
    body = received["body"]
    arrived = Content(
        body=body if isinstance(body, bytes) else body.encode(),
        content_type=received["contentType"],
        version_label=received["versionLabel"],
    )
    action = plan(wanted_config_map(asked, arrived, render(arrived, asked.spec.target)), None)
    assert isinstance(action, Create)
    assert action.body == yaml.safe_load((DATA / "output" / "raw" / name).read_text())
    json.dumps(action.body)


def test_nothing_is_written_without_a_difference() -> None:
    assert plan(wanted(), stored()) is None


def test_changed_data_is_replaced_whole_with_the_version_that_was_read() -> None:
    action = plan(wanted(b"\xff", key="new"), stored())
    assert isinstance(action, Replace)
    assert "data" not in action.body
    assert action.body["binaryData"] == {"new": "/w=="}
    assert action.body["metadata"]["resourceVersion"] == "88"
    assert action.body["metadata"]["uid"] == "c0ffee"


def test_what_others_put_on_the_metadata_is_kept() -> None:
    observed = stored()
    observed["metadata"]["labels"]["team"] = "a"
    observed["metadata"]["annotations"]["note"] = "b"
    observed["metadata"]["finalizers"] = ["example.com/keep"]
    assert plan(wanted(), observed) is None
    action = plan(wanted(b"2"), observed)
    assert isinstance(action, Replace)
    metadata = action.body["metadata"]
    assert (metadata["labels"]["team"], metadata["annotations"]["note"]) == ("a", "b")
    assert metadata["finalizers"] == ["example.com/keep"]
    assert metadata["ownerReferences"] == observed["metadata"]["ownerReferences"]


def test_labels_and_annotations_of_ours_that_are_not_wanted_any_more_go() -> None:
    observed = stored(wanted(labels={"old": "1", "kept": "1"}, annotations={"old": "1"}))
    observed["metadata"]["labels"]["team"] = "a"
    action = plan(wanted(labels={"kept": "2"}), observed)
    assert isinstance(action, Replace)
    labels = action.body["metadata"]["labels"]
    assert labels["kept"] == "2"
    assert labels["team"] == "a"
    assert "old" not in labels
    assert "old" not in action.body["metadata"]["annotations"]


def test_a_config_map_without_labels_gets_ours() -> None:
    observed = stored()
    del observed["metadata"]["labels"], observed["metadata"]["annotations"], observed["metadata"]["managedFields"]
    action = plan(wanted(), observed)
    assert isinstance(action, Replace)
    assert action.body["metadata"]["labels"] == dict(wanted().labels)


def test_a_foreign_key_in_the_data_goes() -> None:
    observed = stored()
    observed["data"]["other"] = "x"
    action = plan(wanted(), observed)
    assert isinstance(action, Replace)
    assert action.body["data"] == {"checkout.json": '{"a":1}'}


def test_the_plan_does_not_change_what_was_read() -> None:
    observed = stored()
    before = copy.deepcopy(observed)
    plan(wanted(b"2"), observed)
    assert observed == before


def test_the_labels_of_the_operator_win_over_those_of_the_user() -> None:
    want = wanted(labels={"app.kubernetes.io/managed-by": "me"}, annotations={"appconfig-operator.io/digest": "x"})
    assert want.labels["app.kubernetes.io/managed-by"] == "appconfig-operator"
    assert want.annotations["appconfig-operator.io/digest"].startswith("sha256:")


@pytest.mark.parametrize(
    ("owners", "words"),
    [
        ([], "was not made by this AppConfigSource"),
        ([{"kind": "Deployment", "name": "web", "uid": "u", "controller": True}], "belongs to Deployment web"),
        ([{"kind": "AppConfigSource", "name": "other", "uid": "u", "controller": True}], "AppConfigSource other"),
        ([{"kind": "Deployment", "name": "web", "uid": "u"}], "was not made by this AppConfigSource"),
    ],
    ids=["nobody", "deployment", "another source", "not its controller"],
)
def test_a_foreign_config_map_is_refused(owners: list[dict[str, Any]], words: str) -> None:
    observed = stored()
    observed["metadata"]["ownerReferences"] = owners
    with pytest.raises(StallingError, match=words) as caught:
        plan(wanted(b"2"), observed)
    assert caught.value.reason is Reason.TARGET_NOT_OWNED
    assert "shop/checkout-config" in caught.value.message


def test_the_config_map_of_a_deleted_source_of_this_name_is_waited_for() -> None:
    observed = stored()
    observed["metadata"]["ownerReferences"][0]["uid"] = "the old one"
    with pytest.raises(TransientError, match="deleted AppConfigSource of the same name"):
        plan(wanted(), observed)


def test_a_config_map_that_is_being_deleted_is_waited_for() -> None:
    observed = stored()
    observed["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(TransientError, match="is being deleted") as caught:
        plan(wanted(), observed)
    assert caught.value.reason is Reason.TARGET_UNAVAILABLE


def test_bodies_do_not_show_in_a_repr() -> None:
    action = plan(wanted(b"geheim"), None)
    assert "geheim" not in repr(action)
    assert "geheim" not in repr(plan(wanted(b"geheim"), stored()))
    assert UID not in repr(action)
