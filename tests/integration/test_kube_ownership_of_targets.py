"""Who gets a ConfigMap that two sources ask for, on a real API server with its garbage collector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appconfig_operator.api.status import Status, WrittenTarget
from appconfig_operator.api.v1alpha1 import API_VERSION, CreationPolicy
from appconfig_operator.core.errors import BlockedError, OutdatedError, Reason, SourceGoneError
from appconfig_operator.core.target import references
from appconfig_operator.kube.configmaps import ConfigMaps
from appconfig_operator.kube.errors import ApiError
from appconfig_operator.kube.sources import Sources
from sandbox.processes.waiting import wait_until
from tests.integration.support.kube_access import Meddling, sync
from tests.integration.support.targets import (
    KIND,
    MERGE,
    ORPHAN,
    OWNER,
    SOURCES,
    ask,
    config_map,
    data,
    owners,
    refused,
    shared,
    want,
)

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api
    from sandbox.kube.control_plane import ControlPlane
    from tests.integration.support.kube_access import Administrator
COLLECTED_SECONDS = 30.0


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


class Presence:
    """Returns whether a ConfigMap was ever absent, by the history of the API server: no event is missed."""

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
        if (first, second) != (ORPHAN, OWNER):  # what was to stay is not owned by the next: the message says how
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


def test_one_that_waits_in_vain_stops_waiting(maps: ConfigMaps, admin: Administrator) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    refused(maps, want(new, k="new"))
    new = ask(admin, "new", "elsewhere")
    sync(maps, want(new, k="new"), known=False)
    maps.release(new, "shared")
    assert owners(admin) == {"old": True}
    assert data(admin) == {"k": "old"}


def test_one_that_waits_and_merges_from_now_on_is_not_an_owner_anymore(maps: ConfigMaps, admin: Administrator) -> None:
    old, new = ask(admin, "old", "shared"), ask(admin, "new", "shared")
    sync(maps, want(old, k="old"), known=False)
    refused(maps, want(new, k="new"))
    new = ask(admin, "new", "shared", MERGE)
    assert refused(maps, want(new, k="new")).reason is Reason.TARGET_CONFLICT
    assert owners(admin) == {"old": True}


def test_what_is_released_passes_to_one_that_waits(maps: ConfigMaps, admin: Administrator) -> None:
    old, new, vain = ask(admin, "old", "shared"), ask(admin, "new", "shared"), ask(admin, "vain", "shared")
    sync(maps, want(old, k="old"), known=False)
    refused(maps, want(new, k="new"))
    refused(maps, want(vain, k="vain"))
    ask(admin, "vain", "elsewhere")
    old = ask(admin, "old", "renamed")
    sync(maps, want(old, k="old"), known=False)
    maps.release(old, "shared")
    assert owners(admin) == {"new": False}, "one that does not ask for it anymore would keep it forever"
    assert data(admin) == {"k": "old"}
    sync(maps, want(new, k="new"), known=False)
    assert owners(admin) == {"new": True}
    assert data(admin) == {"k": "new"}
    maps.release(old, "shared")
    assert data(admin) == {"k": "new"}


def test_what_no_source_waits_for_anymore_is_deleted(maps: ConfigMaps, admin: Administrator) -> None:
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


def test_what_is_deleted_by_hand_is_created_again_by_its_source_and_by_no_other(
    maps: ConfigMaps, admin: Administrator
) -> None:
    """Both are notified at the same moment."""
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
