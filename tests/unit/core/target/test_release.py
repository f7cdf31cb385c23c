"""Who gets a ConfigMap that two sources ask for: all pairs of policies, and what becomes of those that wait."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import BlockedError, Reason, TransientError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target import references
from appconfig_operator.core.target.merge import plan_merge
from appconfig_operator.core.target.plan import Create, Replace, WantedConfigMap, plan, same_source, wanted_config_map
from appconfig_operator.core.target.release import (
    Delete,
    SetOwners,
    become_shared,
    release,
    start_waiting,
    stop_waiting,
)
from appconfig_operator.core.target.rendered_version import RenderedVersion
from tests.support.builders import source, spec, target

if TYPE_CHECKING:
    from collections.abc import Callable

OWNER, ORPHAN, MERGE = CreationPolicy.OWNER, CreationPolicy.ORPHAN, CreationPolicy.MERGE
OURS, THEIRS, THIRD = "00000000-aaaa", "00000000-bbbb", "00000000-cccc"
MANAGER = "appconfig-operator"

Object = dict[str, Any]


def want(name: str = "new", uid: str = OURS, policy: CreationPolicy = OWNER, **changes: Any) -> WantedConfigMap:
    asked = source(name=name, uid=uid, spec=spec(target=target(creation_policy=policy), **changes))
    return wanted_config_map(asked, RenderedVersion(Data(text={"k": name}, binary={}), "v1", "text/plain"))


def reference(name: str, uid: str, *, controls: bool = False) -> Object:
    return references.reference(name, uid, controls=controls)


def made(policy: CreationPolicy = OWNER, **changes: Any) -> Object:
    """Return the ConfigMap that another source, "old", made."""
    action = plan(want("old", THEIRS, policy, **changes), None)
    assert isinstance(action, Create)
    body = copy.deepcopy(dict(action.body))
    metadata = body["metadata"]
    fields: Object = {f"f:{kind}": {f"f:{key}": {} for key in metadata[kind]} for kind in ("labels", "annotations")}
    fields["f:ownerReferences"] = {f'k:{{"uid":"{THEIRS}"}}': {}} if policy is OWNER else {}
    entry = {"manager": MANAGER, "operation": "Update", "fieldsV1": {"f:metadata": fields, "f:data": {"f:k": {}}}}
    metadata |= {"uid": "c0ffee", "resourceVersion": "5", "managedFields": [entry]}
    return body


def owned_by(body: Object, *owners: Object, put: tuple[str, ...] = ()) -> Object:
    """Return the same ConfigMap with these owners, some of which the operator put there."""
    body["metadata"]["ownerReferences"] = list(owners)
    fields = body["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]
    fields["f:ownerReferences"] |= {f'k:{{"uid":"{uid}"}}': {} for uid in put}
    return body


OLD = reference("old", THEIRS, controls=True)
NEW = reference("new", OURS)
VAIN = reference("vain", THIRD)
USERS = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d"}


def controlled() -> Object:
    return owned_by(made(), OLD, put=(THEIRS,))


def collected() -> Object:
    """Its controller is gone, and the garbage collector left it for the one that waits."""
    return owned_by(made(), NEW, put=(OURS,))


STATES: dict[str, Callable[[], Object]] = {
    "controlled": controlled,
    "controlled, waiting": lambda: owned_by(made(), OLD, NEW, VAIN, put=(OURS, THIRD)),
    "collected": collected,
    "collected for another": lambda: owned_by(made(), VAIN, put=(THIRD,)),
    "to stay": lambda: made(ORPHAN),
}

TABLE = [
    # state, whether the other one holds it, policy, outcome, its owners then
    ("controlled", True, OWNER, "belongs to AppConfigSource old", [OLD, NEW]),
    ("controlled", True, ORPHAN, "belongs to AppConfigSource old", [OLD, NEW]),
    ("controlled, waiting", True, OWNER, "belongs to AppConfigSource old", [OLD, NEW, VAIN]),
    ("controlled, waiting", True, ORPHAN, "belongs to AppConfigSource old", [OLD, NEW, VAIN]),
    ("to stay", True, OWNER, "belongs to AppConfigSource old", None),
    ("to stay", True, ORPHAN, "belongs to AppConfigSource old", None),
    ("controlled", False, OWNER, "taken", [NEW | {"controller": True}]),
    ("controlled", False, ORPHAN, "taken", None),
    ("controlled, waiting", False, OWNER, "taken", [VAIN, NEW | {"controller": True}]),
    ("controlled, waiting", False, ORPHAN, "taken", None),
    ("collected", False, OWNER, "taken", [NEW | {"controller": True}]),
    ("collected", False, ORPHAN, "taken", None),
    ("collected for another", False, OWNER, "taken", [VAIN, NEW | {"controller": True}]),
    ("collected for another", False, ORPHAN, "taken", None),
    ("to stay", False, OWNER, "in place on purpose.*creationPolicy: Orphan until it is Ready", None),
    ("to stay", False, ORPHAN, "taken", None),
    # The reference was taken away by hand: it is still the other one's.
    ("collected", True, OWNER, "belongs to AppConfigSource old", [NEW]),
]


@pytest.mark.parametrize(("state", "held", "policy", "outcome", "owners"), TABLE)
def test_all_pairs(
    state: str,
    held: bool,  # noqa: FBT001 (a table)
    policy: CreationPolicy,
    outcome: str,
    owners: list[Object] | None,
) -> None:
    wanted, observed = want(policy=policy), STATES[state]()
    before = copy.deepcopy(observed)
    if outcome == "taken":
        action = plan(wanted, observed, held=held)
        assert isinstance(action, Replace)
        assert action.body["metadata"]["resourceVersion"] == "5"
        assert action.body["data"] == {"k": "new"}
        assert action.body["metadata"]["labels"]["appconfig-operator.io/source-uid"] == OURS
        assert action.body["metadata"]["annotations"]["appconfig-operator.io/source"] == "new"
        found = action.body["metadata"].get("ownerReferences")
        assert plan(wanted, action.body, held=False) is None, "and then there is nothing to write"
    else:
        with pytest.raises(BlockedError, match=outcome) as caught:
            plan(wanted, observed, held=held)
        assert caught.value.reason is Reason.TARGET_NOT_OWNED
        wait = start_waiting(wanted, observed)
        found = wait.body["metadata"]["ownerReferences"] if wait else observed["metadata"].get("ownerReferences")
    assert observed == before
    by_uid = {owner["uid"]: owner for owner in found or ()}
    assert by_uid == {owner["uid"]: owner for owner in owners or ()}


@pytest.mark.parametrize("state", sorted(STATES))
@pytest.mark.parametrize("held", [True, False])
def test_the_one_that_has_it_is_left_alone(state: str, *, held: bool) -> None:
    if not state.startswith("controlled"):
        return
    assert plan(want("old", THEIRS), STATES[state](), held=held) is None


def test_a_kind_of_another_group_is_not_a_source() -> None:
    observed = owned_by(made(), OLD | {"apiVersion": "example.com/v1"})
    with pytest.raises(BlockedError, match="belongs to AppConfigSource old"):
        plan(want(), observed, held=False)
    assert start_waiting(want(), observed) is None
    assert references.holder(observed["metadata"]) is None


def test_one_stops_waiting_for_what_belongs_to_no_source_anymore() -> None:
    observed = owned_by(made(), USERS | {"controller": True}, NEW, put=(OURS,))
    wait = start_waiting(want(), observed)
    assert wait is not None
    assert wait.body["metadata"]["ownerReferences"] == [USERS | {"controller": True}]
    users = owned_by(made(), USERS | {"controller": True}, NEW)
    assert start_waiting(want(), users) is None, "a user put it there"


def test_nobody_waits_where_it_could_not_be_told_from_what_a_user_did() -> None:
    observed = controlled()
    del observed["metadata"]["managedFields"]
    assert start_waiting(want(), observed) is None


def test_the_body_that_lets_a_source_wait_has_no_data_and_holds_for_what_was_read_only() -> None:
    wait = start_waiting(want(), controlled())
    assert wait == SetOwners({"metadata": {"uid": "c0ffee", "resourceVersion": "5", "ownerReferences": [OLD, NEW]}})
    assert "controller" not in NEW


@pytest.mark.parametrize(
    ("observed", "queue", "held", "outcome"),
    [
        (controlled(), frozenset(), False, "delete"),
        (owned_by(made(), OLD, NEW, VAIN, put=(OURS, THIRD)), frozenset(), False, "delete"),
        (owned_by(made(), OLD, NEW, VAIN, put=(OURS, THIRD)), frozenset({OURS}), False, [NEW]),
        (owned_by(made(), OLD, NEW, USERS, put=(OURS,)), frozenset({OURS}), False, [NEW, USERS]),
        (owned_by(made(), OLD, NEW), frozenset({OURS}), False, [NEW]),
    ],
    ids=["nobody waits", "in vain", "one of them in vain", "beside a user's", "put there by a user"],
)
def test_what_is_released_passes_to_those_that_wait(
    observed: Object, queue: frozenset[str], *, held: bool, outcome: list[Object] | str
) -> None:
    action = release(source(name="old", uid=THEIRS), observed, queue=queue, held=held)
    if outcome == "delete":
        assert isinstance(action, Delete)
    else:
        assert isinstance(action, SetOwners)
        assert action.body["metadata"]["ownerReferences"] == outcome


@pytest.mark.parametrize(
    ("observed", "held", "outcome"),
    [
        (owned_by(made(), OLD, NEW, put=(OURS,)), True, [OLD]),
        (owned_by(made(), NEW, VAIN, put=(OURS, THIRD)), False, [VAIN]),
        (collected(), False, "delete"),
        (collected(), True, None),
        (owned_by(made(), OLD, NEW), True, "left"),
        (made(ORPHAN), False, "left"),
    ],
    ids=["the holder stays", "the next one waits", "nobody else", "its reference was removed", "a user's", "to stay"],
)
def test_one_that_stops_waiting_leaves_nothing(
    observed: Object, *, held: bool, outcome: list[Object] | str | None
) -> None:
    action = release(source(name="new", uid=OURS), observed, held=held)
    if outcome == "delete":
        assert isinstance(action, Delete)
    elif outcome == "left":
        assert action is None
    else:
        assert isinstance(action, SetOwners)
        assert action.body["metadata"]["ownerReferences"] == outcome
        assert action == stop_waiting(OURS, observed, held=held)


def test_one_that_never_waited_has_nothing_to_give_up() -> None:
    assert stop_waiting(OURS, controlled(), held=False) is None


def test_after_two_swapped_neither_deletes_what_the_other_has() -> None:
    taken = plan(want(), controlled(), held=False)
    assert isinstance(taken, Replace)
    assert release(source(name="old", uid=THEIRS), taken.body) is None


def test_what_becomes_shared_or_is_to_stay_has_nobody_who_would_take_it_along() -> None:
    observed = owned_by(made(), OLD, NEW, VAIN, USERS, put=(OURS,))
    shared = become_shared(want("old", THEIRS, MERGE), observed)
    assert shared is not None
    assert shared.body["metadata"]["ownerReferences"] == [VAIN, USERS]
    stays = plan(want("old", THEIRS, ORPHAN), observed)
    assert isinstance(stays, Replace)
    assert stays.body["metadata"]["ownerReferences"] == [VAIN, USERS]


def test_what_becomes_shared_keeps_the_reference_of_a_user() -> None:
    users = reference("old", THEIRS)
    shared = become_shared(want("old", THEIRS, MERGE), owned_by(made(ORPHAN), users))
    assert shared is not None
    assert shared.body["metadata"]["ownerReferences"] == [users]


def test_what_a_source_of_this_name_left_to_stay_becomes_shared_with_the_next_one() -> None:
    assert become_shared(want("old", OURS, MERGE), made(ORPHAN)) is not None
    assert become_shared(want("old", OURS, MERGE), controlled()) is None
    assert become_shared(want("new", OURS, MERGE), made(ORPHAN)) is None


@pytest.mark.parametrize(
    ("observed", "held", "conflict"),
    [(made(ORPHAN), True, True), (controlled(), False, True), (made(ORPHAN), False, False)],
    ids=["an orphan of a live one", "to be collected", "left"],
)
def test_nothing_is_merged_into_what_another_one_has(observed: Object, *, held: bool, conflict: bool) -> None:
    wanted = replace(want(policy=MERGE), data=Data(text={"other": "1"}, binary={}))
    if conflict:
        with pytest.raises(BlockedError, match="AppConfigSource old alone") as caught:
            plan_merge(wanted, observed, {}, held=held)
        assert caught.value.reason is Reason.TARGET_CONFLICT
    else:
        assert plan_merge(wanted, observed, {}, held=held) is not None


def test_what_is_being_deleted_is_waited_for_whoever_had_it() -> None:
    observed = controlled()
    observed["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(TransientError):
        plan(want(), observed, held=False)


def test_versions_of_another_source_are_not_kept_as_its_own() -> None:
    assert same_source(want("old", OURS), made())
    assert same_source(want("new", OURS), made()), "the same profile under another name"
    assert not same_source(want("new", OURS), made(application="another"))
    assert not same_source(want("new", OURS), {"metadata": {}})


def test_a_removed_reference_comes_back_and_so_does_its_flag() -> None:
    for owners in ([], [OLD | {"controller": False}], [USERS]):
        action = plan(want("old", THEIRS), owned_by(made(), *owners))
        assert isinstance(action, Replace)
        assert [owner for owner in action.body["metadata"]["ownerReferences"] if owner != USERS] == [OLD]
