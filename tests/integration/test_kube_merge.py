"""Who writes which keys of a ConfigMap that sources share, on a real API server."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.api.labels import FIELD_MANAGER
from appconfig_operator.core.errors import Reason
from appconfig_operator.core.target.managed_fields import MANAGER_LIMIT, merge_manager, owned, uid_manager
from appconfig_operator.kube.api import APPLY_PATCH
from appconfig_operator.kube.configmaps import ConfigMaps
from tests.integration.support.kube_access import Meddling, sync

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api
    from sandbox.kube.kubectl import Kubectl
    from tests.integration.support.kube_access import Administrator
from tests.integration.support.targets import KIND, MERGE, SOURCES, ask, config_map, data, owners, refused, shared, want


def test_a_source_applied_again_goes_on_with_its_keys(maps: ConfigMaps, admin: Administrator) -> None:
    shared(admin, theirs="x")
    one = ask(admin, "one", "shared", MERGE)
    sync(maps, want(one, a="1", b="1"), known=False)
    admin.delete(SOURCES, "one")
    again = ask(admin, "one", "shared", MERGE)
    assert again.uid != one.uid
    assert not sync(maps, want(again, a="1", b="1"), known=False).changed
    assert sync(maps, want(again, a="2"), known=False).changed
    assert data(admin) == {"theirs": "x", "a": "2"}


def test_the_longest_name_that_a_source_can_have_merges(maps: ConfigMaps, admin: Administrator) -> None:
    shared(admin)
    long = [f"{'n' * 250}-{end}" for end in "ab"]
    first, second = (ask(admin, name, "shared", MERGE) for name in long)
    assert len(merge_manager(first.name)) == MANAGER_LIMIT
    sync(maps, want(first, a="1"), known=False)
    sync(maps, want(second, b="1"), known=False)
    assert data(admin) == {"a": "1", "b": "1"}
    younger = second if (first.created, first.uid) < (second.created, second.uid) else first
    older = first if younger is second else second
    sync(maps, want(older, c="1"), known=False)
    assert f"AppConfigSource {older.name}" in refused(maps, want(younger, c="2")).message
    admin.delete(SOURCES, older.name)
    sync(maps, want(younger, c="2"), known=False)
    assert (data(admin) or {})["c"] == "2"


def legacy(admin: Administrator, uid: str, **text: str) -> None:
    """Merge as earlier versions of the operator did."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": text}
    query = {"fieldManager": uid_manager(uid)}
    admin.api.call("PATCH", admin._path(KIND, "shared"), query=query, body=body, content_type=APPLY_PATCH)


def managers(admin: Administrator) -> set[str]:
    return {entry["manager"] for entry in (config_map(admin) or {})["metadata"]["managedFields"]}


def test_what_an_earlier_operator_merged_is_gone_on_with(maps: ConfigMaps, admin: Administrator) -> None:
    shared(admin, theirs="x")
    one = ask(admin, "one", "shared", MERGE)
    legacy(admin, one.uid, a="1", b="1")
    assert sync(maps, want(one, a="2"), known=False).changed
    assert data(admin) == {"theirs": "x", "a": "2"}
    assert uid_manager(one.uid) not in managers(admin)
    assert not sync(maps, want(one, a="2"), known=False).changed


def test_keys_of_an_earlier_operators_source_that_is_gone_are_taken(maps: ConfigMaps, admin: Administrator) -> None:
    shared(admin)
    gone = ask(admin, "one", "shared", MERGE)
    legacy(admin, gone.uid, a="1", other="1")
    admin.delete(SOURCES, "one")
    again = ask(admin, "one", "shared", MERGE)
    sync(maps, want(again, a="2"), known=False)
    assert data(admin) == {"a": "2", "other": "1"}


def test_keys_of_an_earlier_operators_source_that_lives_are_its_own(maps: ConfigMaps, admin: Administrator) -> None:
    shared(admin)
    one, two = sorted((ask(admin, name, "shared", MERGE) for name in ("one", "two")), key=lambda s: (s.created, s.uid))
    legacy(admin, one.uid, a="1")
    assert f"AppConfigSource {one.name}" in refused(maps, want(two, a="1")).message
    assert data(admin) == {"a": "1"}


@pytest.mark.parametrize("first", ["older", "younger"])
@pytest.mark.parametrize("same", [True, False], ids=["same content", "other content"])
def test_of_two_sources_with_one_key_the_first_goes_on(
    maps: ConfigMaps, admin: Administrator, first: str, *, same: bool
) -> None:
    """Whoever is older, and for as many versions as there are."""
    shared(admin, theirs="x")
    pair = [ask(admin, name, "shared", MERGE) for name in ("one", "two")]
    has, waits = sorted(pair, key=lambda source: (source.created, source.uid), reverse=first == "younger")
    sync(maps, want(has, key="v0"), known=False)
    versions = set()
    for number in range(1, 15):
        before = config_map(admin)
        error = refused(maps, want(waits, key=f"v{number - 1}" if same else f"y{number}"))
        assert error.reason is Reason.TARGET_CONFLICT
        assert f"the key key belongs to AppConfigSource {has.name}, which keeps it" in error.message
        assert config_map(admin) == before
        assert sync(maps, want(has, key=f"v{number}"), known=True).changed
        assert not sync(maps, want(has, key=f"v{number}"), known=True).changed
        versions.add((data(admin) or {})["key"])
    assert versions == {f"v{number}" for number in range(1, 15)}
    has = ask(admin, has.name, "elsewhere", MERGE)
    assert sync(maps, want(waits, key="mine"), known=False).changed
    maps.release(has, "shared")
    assert data(admin) == {"theirs": "x", "key": "mine"}


def test_two_that_swap_their_keys_have_each_others(maps: ConfigMaps, admin: Administrator) -> None:
    """A key that the spec of its source does not lead to any more passes to the one that asks for it."""
    shared(admin)
    pair = [ask(admin, name, "shared", MERGE, key=name) for name in ("one", "two")]
    for source in pair:
        sync(maps, want(source, **{source.name: source.name}), known=False)
    one = ask(admin, "one", "shared", MERGE, key="two")
    refused(maps, want(one, two="of one"))
    assert data(admin) == {"one": "one", "two": "two"}
    two = ask(admin, "two", "shared", MERGE, key="one")
    assert sync(maps, want(two, one="of two"), known=False).changed
    assert sync(maps, want(one, two="of one"), known=False).changed
    assert data(admin) == {"one": "of two", "two": "of one"}


def test_two_that_hold_a_key_together_do_not_block_each_other(maps: ConfigMaps, admin: Administrator) -> None:
    """As an earlier operator, or two replicas at the same moment, left them."""
    shared(admin)
    pair = [ask(admin, name, "shared", MERGE) for name in ("one", "two")]
    older, younger = sorted(pair, key=lambda source: (source.created, source.uid))
    legacy(admin, older.uid, key="1")
    legacy(admin, younger.uid, key="1")
    refused(maps, want(younger, key="2"))
    assert sync(maps, want(older, key="2"), known=False).changed
    refused(maps, want(younger, key="2"))
    assert sync(maps, want(older, key="3"), known=False).changed
    assert data(admin) == {"key": "3"}


def test_two_that_begin_at_the_same_moment_end_with_the_first(api: Api, maps: ConfigMaps, admin: Administrator) -> None:
    shared(admin)
    pair = [ask(admin, name, "shared", MERGE) for name in ("one", "two")]
    older, younger = sorted(pair, key=lambda source: (source.created, source.uid))
    met: list[bool] = []

    def meddle() -> None:
        if not met:
            met.append(sync(maps, want(older, key="older"), known=False).changed)

    meddling = ConfigMaps(Meddling(api, before="PATCH", meddle=meddle))
    refused(meddling, want(younger, key="younger"))
    assert data(admin) == {"key": "older"}


def test_nothing_is_forced_from_one_who_came_in_between(api: Api, maps: ConfigMaps, admin: Administrator) -> None:
    shared(admin)
    pair = [ask(admin, name, "shared", MERGE) for name in ("one", "two")]
    older, younger = sorted(pair, key=lambda source: (source.created, source.uid))
    sync(maps, want(younger, key="younger"), known=False)
    ask(admin, younger.name, "elsewhere", MERGE)
    meddle = lambda: admin.patch(KIND, "shared", {"data": {"key": "theirs"}})  # noqa: E731 (it is short)
    error = refused(ConfigMaps(Meddling(api, before="PATCH", meddle=meddle)), want(older, key="older"))
    assert "kubectl-edit" in error.message
    assert data(admin) == {"key": "theirs"}


@pytest.mark.parametrize(
    ("before", "manager"), [({"theirs": "x"}, "kubectl-edit"), ({}, "before-first-apply")], ids=["tracked", "untracked"]
)
def test_the_command_against_a_foreign_manager_works(
    maps: ConfigMaps, admin: Administrator, kubectl: Kubectl, before: dict[str, str], manager: str
) -> None:
    """What began empty has no managers until the first apply."""
    shared(admin, **before)
    source = ask(admin, "one", "shared", MERGE)
    admin.patch(KIND, "shared", {"data": {"a.b": "theirs"}})
    error = refused(maps, want(source, **{"a.b": "geheim"}))
    assert error.reason is Reason.TARGET_CONFLICT
    assert f"the key a.b is held by the field manager {manager}" in error.message
    assert "geheim" not in error.message
    command = shlex.split(error.message[error.message.index("kubectl patch") :])
    kubectl(*command[1:])
    sync(maps, want(source, **{"a.b": "mine"}), known=False)
    assert data(admin) == before | {"a.b": "mine"}


def test_what_was_owned_and_becomes_shared_leaves_nobody_waiting(maps: ConfigMaps, admin: Administrator) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="1"), known=False)
    refused(maps, want(new, k="new"))
    old = ask(admin, "old", "shared", MERGE)
    assert "belongs to AppConfigSource old" in refused(maps, want(new, k="new")).message, "it still asks for it"
    sync(maps, want(old, k="2"), known=True)
    assert owners(admin) == {}, "or the one that waits would take it along"
    assert owned((config_map(admin) or {})["metadata"], merge_manager("old"), "data") == {"k"}
    assert FIELD_MANAGER not in managers(admin)
    assert "was not created by" in refused(maps, want(new, k="new")).message
    assert owners(admin) == {}
    assert data(admin) == {"k": "2"}


def test_managers_that_somebody_made_up_cost_one_list(api: Api, admin: Administrator) -> None:
    shared(admin)
    source = ask(admin, "one", "shared", MERGE)
    for number in range(20):
        legacy(admin, f"made-up-{number}", key="1")
    meddling = Meddling(api)
    assert sync(ConfigMaps(meddling), want(source, key="2"), known=False).changed
    assert meddling.calls["GET"] <= 6
    assert data(admin) == {"key": "2"}
