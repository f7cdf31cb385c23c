"""Who gets a ConfigMap that two sources ask for, on a real API server with its garbage collector."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.labels import FIELD_MANAGER
from appconfig_operator.api.status import Status, WrittenTarget
from appconfig_operator.api.v1alpha1 import API_VERSION, CreationPolicy, Source
from appconfig_operator.core.errors import BlockedError, OutdatedError, Reason, SourceGoneError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target import references
from appconfig_operator.core.target.managed_fields import MANAGER_LIMIT, merge_manager, owned, uid_manager
from appconfig_operator.core.target.plan import WantedConfigMap, wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.kube.api import APPLY_PATCH
from appconfig_operator.kube.configmaps import ConfigMaps
from appconfig_operator.kube.errors import ApiError
from appconfig_operator.kube.sources import Sources
from sandbox.processes.waiting import wait_until
from tests.integration.support.kube_access import Meddling, sync

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api
    from sandbox.kube.control_plane import ControlPlane
    from sandbox.kube.kubectl import Kubectl
    from tests.integration.support.kube_access import Administrator

KIND = "configmaps"
SOURCES = "appconfigsources"
COLLECTED_SECONDS = 30.0
OWNER, ORPHAN, MERGE = CreationPolicy.OWNER, CreationPolicy.ORPHAN, CreationPolicy.MERGE


@pytest.fixture(scope="module", autouse=True)
def _collector(installed: ControlPlane, admin_api: Api) -> None:
    """Let the garbage collector know the new kind at once."""
    installed.restart_controllers()

    def served() -> bool:
        try:
            admin_api.call("GET", f"/apis/{API_VERSION}/{SOURCES}")
        except ApiError:
            return False  # the storage of a new kind is initialized
        return True

    wait_until(served, COLLECTED_SECONDS, "the new kind")


@pytest.fixture
def maps(api: Api) -> ConfigMaps:
    return ConfigMaps(api)


def ask(admin: Administrator, name: str, target: str, policy: CreationPolicy = OWNER, key: str | None = None) -> Source:
    """Create a source that asks for a ConfigMap, or change what it asks for."""
    spec = {"target": {"name": target, "creationPolicy": policy, "key": key}}
    found = admin.api.call("GET", admin._path(SOURCES))["items"]
    if all(item["metadata"]["name"] != name for item in found):
        admin.source(name)
    return Source.from_dict(admin.patch(SOURCES, name, {"spec": spec}))


def want(source: Source, **text: str) -> WantedConfigMap:
    return wanted_config_map(source, RenderedVersion(Data(text=text, binary={}), "v1", "text/plain"))


def refused(maps: ConfigMaps, wanted: WantedConfigMap) -> BlockedError:
    with pytest.raises(BlockedError) as caught:
        sync(maps, wanted, known=False)
    return caught.value


def config_map(admin: Administrator, name: str = "shared") -> dict[str, Any] | None:
    items = admin.api.call("GET", admin._path(KIND))["items"]
    return next((item for item in items if item["metadata"]["name"] == name), None)


def data(admin: Administrator, name: str = "shared") -> dict[str, str] | None:
    found = config_map(admin, name)
    return None if found is None else found.get("data") or {}


def owners(admin: Administrator, name: str = "shared") -> dict[str, bool]:
    found = (config_map(admin, name) or {"metadata": {}})["metadata"]
    return {owner["name"]: bool(owner.get("controller")) for owner in references.references(found)}


def shared(admin: Administrator, **text: str) -> None:
    admin.create(KIND, {"metadata": {"name": "shared"}, "data": text})


class Presence:
    """Tells whether a ConfigMap was ever absent, by the history of the API server: no event is missed."""

    def __init__(self, admin: Administrator, name: str = "shared") -> None:
        self._path = admin._path(KIND)
        self._api = admin.api
        self._query = {"watch": "true", "fieldSelector": f"metadata.name={name}", "timeoutSeconds": "1"}
        version = admin.api.call("GET", self._path)["metadata"]["resourceVersion"]
        self._since = version

    def events(self) -> list[str]:
        """Give what has happened to it since."""
        query = self._query | {"resourceVersion": self._since}
        found = self._api.stream(self._path, query=query, accept="application/json")
        return ["DELETING" if "deletionTimestamp" in event["object"]["metadata"] else event["type"] for event in found]


def test_two_live_sources_swap_their_names(maps: ConfigMaps, admin: Administrator) -> None:
    for first, second in ((OWNER, OWNER), (ORPHAN, ORPHAN), (ORPHAN, OWNER)):
        one, two = ask(admin, "one", "x", first), ask(admin, "two", "y", second)
        sync(maps, want(one, k="one"), known=True)
        sync(maps, want(two, k="two"), known=True)
        one, two = ask(admin, "one", "y", first), ask(admin, "two", "x", second)
        sync(maps, want(one, k="one"), known=False)
        if (first, second) != (ORPHAN, OWNER):  # what was to stay is not owned by the next: it is told how
            sync(maps, want(two, k="two"), known=False)
            maps.release(one, "x")
            maps.release(two, "y")
            assert (data(admin, "x"), data(admin, "y")) == ({"k": "two"}, {"k": "one"})
        else:
            assert "set creationPolicy: Orphan" in refused(maps, want(two, k="two")).message
        for name in ("x", "y"):
            admin.delete(KIND, name)


def test_a_swap_in_the_other_order_of_release(maps: ConfigMaps, admin: Administrator) -> None:
    one, two = ask(admin, "one", "x"), ask(admin, "two", "y")
    sync(maps, want(one, k="one"), known=False)
    sync(maps, want(two, k="two"), known=False)
    one, two = ask(admin, "one", "y"), ask(admin, "two", "x")
    sync(maps, want(one, k="one"), known=False)
    maps.release(one, "x")  # nobody waits for it yet, by what it knows
    sync(maps, want(two, k="two"), known=False)
    maps.release(two, "y")
    assert (data(admin, "x"), data(admin, "y")) == ({"k": "two"}, {"k": "one"})


@pytest.mark.parametrize("waiting", [OWNER, ORPHAN])
@pytest.mark.parametrize("how", ["Background", "Foreground", "Orphan"])
def test_what_is_waited_for_is_handed_over_without_a_gap(
    maps: ConfigMaps, admin: Administrator, waiting: CreationPolicy, how: str
) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared", waiting)
    sync(maps, want(old, k="old"), known=False)
    message = refused(maps, want(new, k="new")).message
    assert "belongs to AppConfigSource old" in message
    assert owners(admin) == {"old": True, "new": False}
    waited = config_map(admin)
    refused(maps, want(new, k="new"))
    assert config_map(admin) == waited, "it waits already, so nothing is written"
    assert not sync(maps, want(old, k="old"), known=True).changed
    presence = Presence(admin)
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": how}
    admin.api.call("DELETE", admin._path(SOURCES, "old"), body=options)
    wait_until(lambda: owners(admin) == {"new": False}, COLLECTED_SECONDS, "the garbage collector")
    assert data(admin) == {"k": "old"}
    assert sync(maps, want(new, k="new"), known=False).changed
    assert data(admin) == {"k": "new"}
    assert owners(admin) == ({"new": True} if waiting is OWNER else {})
    assert set(presence.events()) == {"MODIFIED"}


def test_a_source_that_is_applied_again_takes_its_config_map_over(maps: ConfigMaps, admin: Administrator) -> None:
    """Before the garbage collector comes. Here another owner holds it off, so that it does not race with the test."""
    old = ask(admin, "one", "shared")
    sync(maps, want(old, k="old"), known=False)
    other = ask(admin, "other", "elsewhere")
    reference = references.reference("other", other.uid, controls=False)
    mine = references.references((config_map(admin) or {})["metadata"])
    admin.patch(KIND, "shared", {"metadata": {"ownerReferences": [*mine, reference]}})
    admin.delete(SOURCES, "one")
    new = ask(admin, "one", "shared")
    assert new.uid != old.uid
    sync(maps, want(new, k="new"), known=False)
    assert data(admin) == {"k": "new"}
    assert owners(admin) == {"one": True, "other": False}
    with pytest.raises(SourceGoneError):
        sync(maps, want(old, k="stale"), known=True)
    assert data(admin) == {"k": "new"}


def test_one_that_waits_in_vain_gives_its_place_up(maps: ConfigMaps, admin: Administrator) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    refused(maps, want(new, k="new"))
    new = ask(admin, "new", "elsewhere")
    sync(maps, want(new, k="new"), known=False)
    maps.release(new, "shared")
    assert owners(admin) == {"old": True}
    assert data(admin) == {"k": "old"}


def test_one_that_waits_and_merges_from_now_on_is_no_owner_any_more(maps: ConfigMaps, admin: Administrator) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    refused(maps, want(new, k="new"))
    new = ask(admin, "new", "shared", MERGE)
    assert refused(maps, want(new, k="new")).reason is Reason.TARGET_CONFLICT
    assert owners(admin) == {"old": True}


def test_what_is_given_up_passes_to_one_that_waits(maps: ConfigMaps, admin: Administrator) -> None:
    old, new, vain = ask(admin, "old", "shared"), ask(admin, "new", "shared"), ask(admin, "vain", "shared")
    sync(maps, want(old, k="old"), known=False)
    refused(maps, want(new, k="new"))
    refused(maps, want(vain, k="vain"))
    ask(admin, "vain", "elsewhere")
    old = ask(admin, "old", "renamed")
    sync(maps, want(old, k="old"), known=False)
    maps.release(old, "shared")
    assert owners(admin) == {"new": False}, "one that does not ask for it any more would keep it for ever"
    assert data(admin) == {"k": "old"}
    sync(maps, want(new, k="new"), known=False)
    assert owners(admin) == {"new": True}
    assert data(admin) == {"k": "new"}
    maps.release(old, "shared")
    assert data(admin) == {"k": "new"}


def test_what_nobody_waits_for_any_more_is_deleted(maps: ConfigMaps, admin: Administrator) -> None:
    """Its controller went while this one waited, and then this one wanted another name."""
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    refused(maps, want(new, k="new"))
    admin.delete(SOURCES, "old")
    wait_until(lambda: owners(admin) == {"new": False}, COLLECTED_SECONDS, "the garbage collector")
    new = ask(admin, "new", "elsewhere")
    maps.release(new, "shared")
    assert config_map(admin) is None


def test_a_wait_that_begins_during_a_release_is_seen(api: Api, maps: ConfigMaps, admin: Administrator) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    refusals: list[BlockedError] = []

    def meddle() -> None:
        ask(admin, "old", "shared")
        refusals.append(refused(maps, want(new, k="new")))
        ask(admin, "old", "renamed")

    meddling = Meddling(api, before="DELETE", meddle=meddle)
    ConfigMaps(meddling).release(ask(admin, "old", "renamed"), "shared")
    assert len(refusals) == 1
    assert owners(admin) == {"new": False}
    assert data(admin) == {"k": "old"}


def test_a_source_that_wants_another_name_by_now_takes_nothing_over(maps: ConfigMaps, admin: Administrator) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    ask(admin, "old", "renamed")
    ask(admin, "new", "elsewhere")
    with pytest.raises(OutdatedError):
        sync(maps, want(new, k="new"), known=False)
    assert data(admin) == {"k": "old"}


def test_orphan_follows_one_that_is_gone_and_owner_does_not(maps: ConfigMaps, admin: Administrator) -> None:
    old = ask(admin, "old", "shared", ORPHAN)
    sync(maps, want(old, k="old"), known=False)
    new = ask(admin, "new", "shared", ORPHAN)
    assert "belongs to AppConfigSource old" in refused(maps, want(new, k="new")).message
    assert owners(admin) == {}, "what stays needs nobody who waits"
    admin.delete(SOURCES, "old")
    owner = ask(admin, "owner", "shared")
    assert "set creationPolicy: Orphan" in refused(maps, want(owner, k="owner")).message
    sync(maps, want(new, k="new"), known=False)
    assert data(admin) == {"k": "new"}


def test_a_removed_owner_reference_comes_back(maps: ConfigMaps, admin: Administrator) -> None:
    source = ask(admin, "one", "shared")
    wanted = want(source, k="1")
    for references_now in (None, [references.reference("one", source.uid, controls=False)]):
        sync(maps, wanted, known=False)
        admin.patch(KIND, "shared", {"metadata": {"ownerReferences": references_now}})
        assert not maps.holds(source, "shared", wanted.data.data_digest)
        assert sync(maps, wanted, known=True).changed
        assert owners(admin) == {"one": True}
        assert maps.holds(source, "shared", wanted.data.data_digest)


@pytest.mark.parametrize("policy", [MERGE, ORPHAN])
def test_an_owner_reference_of_a_user_stays(maps: ConfigMaps, admin: Administrator, policy: CreationPolicy) -> None:
    source = ask(admin, "one", "shared", policy)
    reference = references.reference("one", source.uid, controls=False)
    if policy is MERGE:
        shared(admin)
    else:
        sync(maps, want(source, k="1"), known=False)
    admin.patch(KIND, "shared", {"metadata": {"ownerReferences": [reference]}})
    sync(maps, want(source, k="1"), known=True)
    sync(maps, want(source, k="2"), known=True)
    assert data(admin) == {"k": "2"}
    assert owners(admin) == {"one": False}


def test_what_is_deleted_by_hand_is_made_again_by_its_source_and_by_no_other(
    maps: ConfigMaps, admin: Administrator
) -> None:
    """Both are told of it at the same moment."""
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    written = WrittenTarget("shared", want(old, k="old").data.data_digest, 1, "2026-01-01T00:00:00Z", "1")
    Sources(maps._api).update_status(old, Status(observed_generation=1, target=written))
    refused(maps, want(new, k="new"))
    admin.delete(KIND, "shared")
    with pytest.raises(BlockedError, match="belongs to AppConfigSource old"):
        sync(maps, want(new, k="new"), known=True)
    assert sync(maps, want(old, k="old"), known=True).created
    ask(admin, "old", "renamed")
    admin.delete(KIND, "shared")
    assert sync(maps, want(new, k="new"), known=True).created


# Merge.


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
