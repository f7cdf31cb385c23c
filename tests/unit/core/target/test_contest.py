"""Two sources that merge into one ConfigMap, and write the same key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import BlockedError, Reason
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.contest import NOBODY, contested, foreign
from appconfig_operator.core.target.managed_fields import (
    MANAGER_LIMIT,
    merge_manager,
    merging,
    owned,
    pass_on,
    uid_manager,
)
from appconfig_operator.core.target.merge import Apply, plan_merge
from appconfig_operator.core.target.plan import WantedConfigMap, wanted_config_map
from appconfig_operator.core.target.release import Withdraw, release
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.core.target.rivals import Rival
from tests.support.builders import UID, source, spec, target

OTHER = Rival("other", "u", "2026-01-01T00:00:00Z", deleting=False, target="checkout-config", policy="Merge")
NEWER = "2026-01-02T00:00:00Z"


def want(created: str = NEWER, **text: str) -> WantedConfigMap:
    asked = source(spec=spec(target=target(creation_policy=CreationPolicy.MERGE)), created=created)
    return wanted_config_map(asked, RenderedVersion(Data(text=text or {"k": "1"}, binary={}), "v1", "text/plain"))


def shared(managers: dict[str, dict[str, Any]], **data: str) -> dict[str, Any]:
    entries = [{"manager": name, "operation": "Apply", "fieldsV1": fields} for name, fields in managers.items()]
    metadata = {"namespace": "shop", "name": "checkout-config", "uid": "c0ffee", "resourceVersion": "5"}
    return {"metadata": metadata | {"managedFields": entries}, "data": data}


KEY: dict[str, Any] = {"f:data": {"f:k": {}}}
THEIRS = "appconfig-operator/other"
MINE = "appconfig-operator/checkout"


YOUNGER = replace(OTHER, created="2026-01-03T00:00:00Z")


@pytest.mark.parametrize(
    ("rival", "taken"),
    [
        (OTHER, False),
        (replace(OTHER, policy="Owner"), False),
        (YOUNGER, False),
        (replace(YOUNGER, key="k"), False),
        (replace(YOUNGER, key="other"), True),
        (replace(YOUNGER, many=True), False),
        (replace(YOUNGER, many=True, prefix="K"), False),
        (replace(YOUNGER, many=True, prefix="x"), True),
        (replace(OTHER, deleting=True), True),
        (replace(OTHER, target="elsewhere"), True),
        (None, True),
    ],
    ids=[
        "older",
        "older, other policy",
        "younger",
        "younger, this key",
        "other key by now",
        "many keys",
        "many keys, this prefix",
        "many keys, other prefix by now",
        "deleting",
        "elsewhere",
        "gone",
    ],
)
@pytest.mark.parametrize("value", ["1", "2"], ids=["same content", "other content"])
def test_a_source_keeps_the_key_that_it_has(rival: Rival | None, value: str, *, taken: bool) -> None:
    observed = shared({THEIRS: KEY}, k=value)
    if taken:
        action = plan_merge(want(), observed, {THEIRS: rival})
        assert isinstance(action, Apply)
        assert action.force
        assert action.body["metadata"]["resourceVersion"] == "5", "from nobody else"
    else:
        with pytest.raises(BlockedError, match="the key k belongs to AppConfigSource other, which keeps it") as caught:
            plan_merge(want(), observed, {THEIRS: rival})
        assert caught.value.reason is Reason.TARGET_CONFLICT


@pytest.mark.parametrize("mine", [MINE, uid_manager(UID)], ids=["by name", "by uid"])
@pytest.mark.parametrize(
    ("rival", "kept"),
    [
        (OTHER, True),
        (YOUNGER, False),
        (replace(OTHER, created=NEWER, uid="0"), True),
        (replace(OTHER, created=NEWER, uid="f"), False),
    ],
    ids=["older", "younger", "same second, first", "same second"],
)
def test_of_two_sources_that_have_one_key_the_older_keeps_it(rival: Rival, mine: str, *, kept: bool) -> None:
    observed = shared({mine: KEY, THEIRS: KEY}, k="1")
    if kept:
        with pytest.raises(BlockedError, match="which keeps it"):
            plan_merge(want(k="2"), observed, {THEIRS: rival})
    else:
        action = plan_merge(want(k="2"), observed, {THEIRS: rival})
        assert isinstance(action, Apply)
        assert action.force


def test_what_both_hold_is_not_written_without_a_difference() -> None:
    observed = shared({MINE: KEY, THEIRS: KEY}, k="1")
    with pytest.raises(BlockedError, match="which keeps it"):
        plan_merge(want(), observed, {THEIRS: OTHER})
    assert plan_merge(want("2025-01-01T00:00:00Z"), observed, {THEIRS: OTHER}) is None


def test_labels_that_both_set_alike_are_not_contested() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:labels": {"f:team": {}}, "f:annotations": {"f:a/b": {}}}}
    wanted = replace(want(), labels={"team": "a"}, annotations={"a/b": "~"})
    observed = shared({THEIRS: fields, MINE: KEY | fields}, k="1")
    observed["metadata"] |= {"labels": {"team": "a"}, "annotations": {"a/b": "~"}}
    assert contested(wanted, observed) == {}
    assert plan_merge(wanted, observed, {}) is None
    observed["metadata"] |= {"labels": {"team": "b"}, "annotations": {"a/b": "x"}}
    with pytest.raises(BlockedError, match=r"the label team \(and 1 more\) belongs to AppConfigSource other"):
        plan_merge(wanted, observed, {THEIRS: OTHER})


@pytest.mark.parametrize(
    ("fields", "words", "path"),
    [
        (KEY, "the key k", "/data/k"),
        ({"f:metadata": {"f:labels": {"f:team": {}}}}, "the label team", "/metadata/labels/team"),
        ({"f:metadata": {"f:annotations": {"f:a/b": {}}}}, "the annotation a/b", "/metadata/annotations/a~1b"),
    ],
)
def test_what_others_hold_is_named_with_the_way_out(fields: dict[str, Any], words: str, path: str) -> None:
    wanted = replace(want(k="geheim"), labels={"team": "a"}, annotations={"a/b": "c"})
    observed = shared({"somebody": fields}, k="0")
    with pytest.raises(BlockedError, match=f"{words} is held by the field manager somebody") as caught:
        plan_merge(wanted, observed, {})
    command = f'kubectl patch configmap checkout-config -n shop --type=json -p \'[{{"op":"remove","path":"{path}"}}]\''
    assert command in caught.value.message
    assert "geheim" not in caught.value.message


def test_what_others_hold_with_the_same_value_is_no_conflict() -> None:
    assert foreign(want(), shared({"somebody": KEY}, k="1")) == {}
    assert plan_merge(want(), shared({"somebody": KEY}, k="1"), {}) is not None


def test_without_managers_all_fields_belong_to_others() -> None:
    observed = shared({}, k="0")
    assert foreign(want(), observed) == {NOBODY: (("/data", "k"),)}
    assert foreign(want(), shared({}, other="0")) == {}


def test_the_uid_of_an_earlier_operator_is_replaced_by_the_name() -> None:
    action = plan_merge(want(), shared({uid_manager(UID): KEY}, k="0"), {})
    assert action is not None
    assert (action.force, action.legacy) == (True, True)
    action = plan_merge(want(), shared({uid_manager(UID): KEY, MINE: KEY}, k="1"), {})
    assert action is not None
    assert action.legacy, "killed in between"
    withdrawn = release(source(), shared({uid_manager(UID): KEY, MINE: KEY}, k="1"))
    assert isinstance(withdrawn, Withdraw)
    assert withdrawn.managers == (MINE, uid_manager(UID))


def test_the_manager_is_the_name_of_the_source() -> None:
    assert merge_manager("checkout") == MINE
    assert merging(MINE) == "checkout"
    assert merging("appconfig-operator") is None
    fits, long, other = "n" * 109, "n" * 110, "n" * 111
    assert len(merge_manager(fits)) == len(merge_manager(long)) == MANAGER_LIMIT
    assert len({merge_manager(name) for name in (fits, long, other)}) == 3
    assert "/" in (merging(merge_manager(long)) or "")
    assert "/" not in (merging(merge_manager(fits)) or "")


def test_what_passes_to_another_manager_is_one_entry() -> None:
    metadata = shared({"a": KEY, "b": {"f:data": {"f:l": {}}}, "c": KEY})["metadata"]
    pass_on(metadata, ("nobody",), "b", "Update")
    assert [entry["manager"] for entry in metadata["managedFields"]] == ["a", "b", "c"]
    pass_on(metadata, ("a",), "b", "Update")
    assert [(entry["manager"], entry["operation"]) for entry in metadata["managedFields"]] == [
        ("b", "Update"),
        ("c", "Apply"),
    ]
    assert owned(metadata, "b", "data") == {"k", "l"}


def test_a_rival_is_read_of_a_resource_that_a_newer_operator_may_have_defined() -> None:
    metadata = {"name": "other", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    assert Rival.from_dict({"metadata": metadata, "spec": {"target": {"name": "x", "creationPolicy": "New"}}}) == Rival(
        "other", "u", "2026-01-01T00:00:00Z", deleting=False, target="x", policy="New"
    )
    many = {"target": {"name": "x", "format": "EnvVars", "prefix": "X_", "key": None}}
    found = Rival.from_dict({"metadata": metadata, "spec": many})
    assert (found.many, found.prefix, found.key) == (True, "X_", "")
    assert [found.may_write("/data", name) for name in ("X_A", "A")] == [True, False]
    assert found.may_write("/metadata/labels", "A"), "what its spec has of labels is not looked at"
    file = Rival.from_dict({"metadata": metadata, "spec": {"target": {"format": "JSON", "key": "a.json"}}})
    assert [file.may_write("/data", name) for name in ("a.json", "a.json.gz", "b.json")] == [True, True, False]
    written = {"status": {"target": {"name": "x"}}}
    assert Rival.from_dict({"metadata": metadata} | written).written == "x"
    gone = Rival.from_dict({"metadata": metadata | {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert (gone.target, gone.deleting, gone.asks_for("other")) == ("other", True, False)
