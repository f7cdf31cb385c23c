from __future__ import annotations

import copy
from typing import Any

import pytest

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import BlockedError, Reason, StallingError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.merge import plan_merge
from appconfig_operator.core.target.plan import Create, Replace, WantedConfigMap, plan, wanted_config_map
from appconfig_operator.core.target.release import Delete, Withdraw, become_shared, release
from appconfig_operator.core.target.rendered_version import RenderedVersion
from tests.support.builders import UID, source, spec, target

MANAGER = "appconfig-operator/checkout"
SOURCE = {"apiVersion": "appconfig-operator.io/v1alpha1", "kind": "AppConfigSource", "name": "checkout", "uid": UID}


def wanted(
    text: dict[str, str] | None = None, policy: CreationPolicy = CreationPolicy.MERGE, **changes: Any
) -> WantedConfigMap:
    asked = source(spec=spec(target=target(creation_policy=policy, **changes)))
    data = Data(text={"k": "1"} if text is None else text, binary={})
    return wanted_config_map(asked, RenderedVersion(data, "v1", "text/plain"))


def shared(manager: str = MANAGER, keys: tuple[str, ...] = ("k",), **data: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:data": {f"f:{key}": {} for key in keys}}
    return {
        "metadata": {
            "namespace": "shop",
            "name": "checkout-config",
            "uid": "c0ffee",
            "resourceVersion": "5",
            "managedFields": [{"manager": manager, "operation": "Apply", "fieldsV1": fields}],
        },
        "data": {"k": "1", "theirs": "x"} | data,
    }


def test_only_the_keys_of_the_source_are_applied_to_the_config_map_that_was_read() -> None:
    action = plan_merge(wanted({"k": "2"}), shared(), {})
    assert action is not None
    assert not action.force
    assert action.body == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "shop", "name": "checkout-config", "uid": "c0ffee"},
        "data": {"k": "2"},
    }


def test_labels_and_annotations_of_the_user_are_applied_and_none_of_the_operator() -> None:
    action = plan_merge(wanted(labels={"a": "b"}, annotations={"c": "d"}), shared(), {})
    assert action is not None
    assert (action.body["metadata"]["labels"], action.body["metadata"]["annotations"]) == ({"a": "b"}, {"c": "d"})


@pytest.mark.parametrize(
    ("observed", "differs"),
    [
        (shared(), False),
        (shared(k="changed"), True),
        (shared(manager="somebody"), True),
        (shared(keys=("k", "dropped")), True),
    ],
    ids=["same", "changed value", "not ours yet", "a key too many"],
)
def test_nothing_is_applied_without_a_difference(observed: dict[str, Any], *, differs: bool) -> None:
    assert (plan_merge(wanted(), observed, {}) is not None) is differs


def test_a_config_map_that_is_not_there_is_waited_for() -> None:
    with pytest.raises(BlockedError, match="shop/checkout-config does not exist") as caught:
        plan_merge(wanted(), None, {})
    assert caught.value.reason is Reason.TARGET_MISSING


def created(policy: CreationPolicy) -> dict[str, Any]:
    action = plan(wanted(policy=policy), None)
    assert isinstance(action, Create)
    body = copy.deepcopy(dict(action.body))
    metadata = body["metadata"]
    fields: dict[str, Any] = {
        "f:data": {"f:k": {}},
        "f:metadata": {f"f:{kind}": {f"f:{key}": {} for key in metadata[kind]} for kind in ("labels", "annotations")},
    }
    entry = {"manager": "appconfig-operator", "operation": "Update", "fieldsV1": fields}
    metadata |= {"uid": "c0ffee", "resourceVersion": "5", "managedFields": [entry, {"manager": "other"}]}
    return body


def test_what_the_source_owns_is_deleted_if_it_is_still_the_same() -> None:
    outcome = release(source(), created(CreationPolicy.OWNER))
    assert isinstance(outcome, Delete)
    assert outcome.body["preconditions"] == {"uid": "c0ffee", "resourceVersion": "5"}


def test_an_orphan_stays() -> None:
    assert release(source(), created(CreationPolicy.ORPHAN)) is None


def test_merged_keys_are_withdrawn() -> None:
    outcome = release(source(), shared())
    assert isinstance(outcome, Withdraw)
    assert "data" not in outcome.body
    assert outcome.body["metadata"]["uid"] == "c0ffee"


@pytest.mark.parametrize("policy", [CreationPolicy.OWNER, CreationPolicy.ORPHAN])
def test_a_config_map_of_its_own_becomes_shared_with_its_data(policy: CreationPolicy) -> None:
    observed = created(policy)
    observed["metadata"]["labels"]["team"] = "a"
    action = become_shared(wanted(), observed)
    assert isinstance(action, Replace)
    metadata = action.body["metadata"]
    assert action.body["data"] == {"k": "1"}
    assert not metadata.get("ownerReferences")
    assert metadata["labels"] == {"team": "a"}
    assert metadata["annotations"] == {}
    entry = metadata["managedFields"][0]
    assert (entry["manager"], entry["operation"]) == (MANAGER, "Apply")
    assert entry["fieldsV1"] == {"f:data": {"f:k": {}}}


def test_a_config_map_of_somebody_else_is_left_as_it_is() -> None:
    assert become_shared(wanted(), shared()) is None


def test_a_config_map_that_names_the_source_as_one_owner_among_others_is_not_deleted() -> None:
    observed = shared()
    observed["metadata"]["ownerReferences"] = [SOURCE]
    assert isinstance(release(source(), observed), Withdraw)


def test_nothing_is_merged_into_what_another_source_has_for_itself() -> None:
    observed = shared()
    owner = SOURCE | {"name": "other", "uid": "u", "controller": True}
    observed["metadata"]["ownerReferences"] = [owner]
    with pytest.raises(BlockedError, match="belongs to AppConfigSource other alone") as caught:
        plan_merge(wanted({"k": "2"}), observed, {})
    assert caught.value.reason is Reason.TARGET_CONFLICT


def test_what_a_source_merged_alone_can_be_its_own_again() -> None:
    observed = shared()
    del observed["data"]["theirs"]
    action = plan(wanted({"k": "2"}, CreationPolicy.OWNER), observed)
    assert isinstance(action, Replace)
    assert action.body["metadata"]["managedFields"][0]["manager"] == "appconfig-operator"
    with pytest.raises(StallingError, match="was not created by this AppConfigSource"):
        plan(wanted({"k": "2"}, CreationPolicy.OWNER), shared())
