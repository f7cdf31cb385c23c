from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from appconfig_operator.api.v1alpha1 import CreationPolicy, Source
from appconfig_operator.core.errors import Reason, StallingError, TransientError
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.formats.render import render
from appconfig_operator.core.target.plan import Create, Replace, WantedConfigMap, plan, wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from tests.support.builders import UID, content, source, spec, target

DATA = Path(__file__).parents[3] / "data"
INPUT = DATA / "input"
OTHER = {"apiVersion": "appconfig-operator.io/v1alpha1", "kind": "AppConfigSource", "name": "other", "uid": "u"}


def version(received: Content, asked: Source) -> RenderedVersion:
    return RenderedVersion(render(received, asked.spec), received.version_label, received.content_type)


def wanted(body: bytes = b'{"a":1}', **changes: Any) -> WantedConfigMap:
    asked = source(spec=spec(target=target(**changes)))
    received = content(body)
    return wanted_config_map(asked, version(received, asked))


def stored(want: WantedConfigMap | None = None) -> dict[str, Any]:
    """Return the ConfigMap as the API server would send it after we created it."""
    created = plan(want or wanted(), None)
    assert isinstance(created, Create)
    body = copy.deepcopy(dict(created.body))
    metadata = body["metadata"]
    fields: dict[str, Any] = {
        f"f:{kind}": {".": {}} | {f"f:{key}": {} for key in metadata[kind]} for kind in ("labels", "annotations")
    }
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


@pytest.mark.parametrize("name", sorted(str(path.relative_to(INPUT)) for path in INPUT.glob("*/*.yaml")))
def test_golden_config_maps(name: str) -> None:
    case = yaml.safe_load((INPUT / name).read_text())
    asked = Source.from_dict(case["source"])
    received = case["received"]
    body = received["body"]
    arrived = Content(
        body=body if isinstance(body, bytes) else body.encode(),
        content_type=received["contentType"],
        version_label=received["versionLabel"],
    )
    action = plan(wanted_config_map(asked, version(arrived, asked)), None)
    assert isinstance(action, Create)
    assert action.body == yaml.safe_load((DATA / "output" / name).read_text())
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


def test_our_labels_and_annotations_go_when_the_spec_drops_them() -> None:
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
        ([], "was not created by this AppConfigSource.*or delete that ConfigMap"),
        ([{"kind": "Deployment", "name": "web", "uid": "u", "controller": True}], "belongs to Deployment web"),
        ([OTHER | {"controller": True}], "AppConfigSource other"),
        ([OTHER | {"controller": True, "apiVersion": "example.com/v1"}], "belongs to AppConfigSource other"),
        ([OTHER], "was not created by this AppConfigSource"),
        ([{"kind": "Deployment", "name": "web", "uid": "u"}], "was not created by this AppConfigSource"),
    ],
    ids=["nobody", "deployment", "another source", "another group", "another source beside", "not its controller"],
)
def test_a_foreign_config_map_is_refused(owners: list[dict[str, Any]], words: str) -> None:
    observed = stored()
    observed["metadata"]["ownerReferences"] = owners
    observed["metadata"]["labels"], observed["metadata"]["annotations"] = {}, {}
    with pytest.raises(StallingError, match=words) as caught:
        plan(wanted(b"2"), observed)
    assert caught.value.reason is Reason.TARGET_NOT_OWNED
    assert "shop/checkout-config" in caught.value.message


def test_the_config_map_of_a_deleted_source_of_this_name_is_taken_over() -> None:
    observed = stored()
    observed["metadata"]["ownerReferences"][0]["uid"] = "the old one"
    action = plan(wanted(), observed, held=False)
    assert isinstance(action, Replace)
    assert action.body["metadata"]["ownerReferences"] == stored()["metadata"]["ownerReferences"]


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


def test_a_policy_of_owner_takes_back_what_it_left_under_orphan() -> None:
    orphan = stored(wanted(creation_policy=CreationPolicy.ORPHAN))
    assert "ownerReferences" not in orphan["metadata"]
    action = plan(wanted(), orphan)
    assert isinstance(action, Replace)
    assert action.body["metadata"]["ownerReferences"] == stored()["metadata"]["ownerReferences"]


def test_a_policy_of_orphan_takes_the_reference_away_and_keeps_others() -> None:
    want = wanted(creation_policy=CreationPolicy.ORPHAN)
    action = plan(want, stored())
    assert isinstance(action, Replace)
    assert "ownerReferences" not in action.body["metadata"]
    observed = stored()
    other = {"kind": "Deployment", "name": "web", "uid": "u"}
    observed["metadata"]["ownerReferences"].append(other)
    action = plan(want, observed)
    assert isinstance(action, Replace)
    assert action.body["metadata"]["ownerReferences"] == [other]
    assert plan(want, stored(want)) is None


def test_a_source_created_again_goes_on_with_its_orphan() -> None:
    observed = stored(wanted(creation_policy=CreationPolicy.ORPHAN))
    observed["metadata"]["labels"]["appconfig-operator.io/source-uid"] = "of the source before"
    action = plan(wanted(creation_policy=CreationPolicy.ORPHAN), observed, held=False)
    assert isinstance(action, Replace)
    assert action.body["metadata"]["labels"]["appconfig-operator.io/source-uid"] == UID


def test_annotations_may_not_pass_the_limit_of_the_api_server() -> None:
    with pytest.raises(StallingError, match=r"262,144.*spec\.target\.annotations") as caught:
        plan(wanted(annotations={f"a{number}": "x" * 4096 for number in range(64)}), None)
    assert caught.value.reason is Reason.TOO_LARGE


def test_an_owner_reference_beside_the_controller_of_another_gives_nothing_away() -> None:
    observed = stored()
    observed["metadata"]["ownerReferences"] = [
        {"kind": "Deployment", "name": "web", "uid": "u", "controller": True},
        {"kind": "AppConfigSource", "name": "checkout", "uid": UID},
    ]
    with pytest.raises(StallingError, match="belongs to Deployment web"):
        plan(wanted(b"2"), observed)


def test_what_an_earlier_source_left_to_stay_is_not_owned_by_the_next() -> None:
    """Else it would be deleted with that one."""
    observed = stored(wanted(creation_policy=CreationPolicy.ORPHAN))
    observed["metadata"]["labels"]["appconfig-operator.io/source-uid"] = "of the source before"
    with pytest.raises(StallingError, match=r"was not created by .* set creationPolicy: Orphan until it is Ready"):
        plan(wanted(), observed, held=False)
