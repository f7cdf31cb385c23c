"""Leases on a real API server, with the rights that the manifests give."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.sharding.lease import Lease, member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import (
    CreateLease,
    DeleteLease,
    Failure,
    LeaseError,
    ListLeases,
    ReplaceLease,
)
from appconfig_operator.core.sharding.membership import Replica
from appconfig_operator.engine.shard_coordinator import ShardCoordinator
from appconfig_operator.engine.shard_view import ShardView
from appconfig_operator.kube.errors import ApiError
from appconfig_operator.kube.leases import Leases
from sandbox import wait_until
from sandbox.kube.operator_process import NAMESPACE
from tests.integration.support.kube_access import Meddling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from appconfig_operator.core.sharding.handover import HandedOver
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.kube.api import Api

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
COLLECTION = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
LEASE = Lease(shard_lease(0), "op-1", 4, 15)


def leases_of(api: Api, namespace: str = NAMESPACE, timeout: float = 5.0) -> Leases:
    return Leases(api, namespace, timeout=timeout, utc_now=lambda: NOW)


@pytest.fixture
def leases(api: Api, admin_api: Api) -> Iterator[Leases]:
    """The Leases in the namespace of the operator, none at first and at last."""
    admin_api.call("DELETE", COLLECTION)
    yield leases_of(api)
    admin_api.call("DELETE", COLLECTION)


def create(leases: Leases, lease: Lease = LEASE) -> Lease:
    created = leases.carry_out(CreateLease(lease))
    assert isinstance(created, Lease)
    return created


def test_create_and_list(leases: Leases, admin_api: Api) -> None:
    shard, member = create(leases), create(leases, replace(LEASE, name=member_lease("op-1")))
    assert replace(shard, uid="", version="", acquired="") == LEASE
    assert shard.acquired.startswith("2026-01-01T12:30:00")
    listed = leases.carry_out(ListLeases())
    assert isinstance(listed, list)
    assert sorted(listed, key=lambda lease: lease.name) == [member, shard]
    spec = admin_api.call("GET", f"{COLLECTION}/{LEASE.name}")["spec"]
    assert spec == {
        "holderIdentity": "op-1",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
        "acquireTime": "2026-01-01T12:30:00.000000Z",
        "renewTime": "2026-01-01T12:30:00.000000Z",
    }


def test_leases_of_others_are_not_listed(leases: Leases, admin_api: Api) -> None:
    admin_api.call("POST", COLLECTION, body={"metadata": {"name": "other"}})
    labels = {"app.kubernetes.io/managed-by": "appconfig-operator", "appconfig-operator.io/lease": "shard"}
    admin_api.call("POST", COLLECTION, body={"metadata": {"name": "odd", "labels": labels}})
    assert leases.carry_out(ListLeases()) == []


def test_a_replace_keeps_since_when_it_is_held(leases: Leases, api: Api) -> None:
    created = create(leases)
    later = Leases(api, NAMESPACE, timeout=5, utc_now=lambda: NOW.replace(hour=13))
    renewed = later.carry_out(ReplaceLease(created))
    assert isinstance(renewed, Lease)
    assert renewed.version != created.version
    assert replace(renewed, version=created.version) == created


def test_a_renewal_that_changes_nothing_has_no_effect(leases: Leases) -> None:
    """Which only a clock that stands still brings about: the others do not see it, so it must not count."""
    created = create(leases)
    assert leases.carry_out(ReplaceLease(created)) == created


def test_a_lease_can_be_released(leases: Leases) -> None:
    freed = leases.carry_out(ReplaceLease(replace(create(leases), holder="")))
    assert isinstance(freed, Lease)
    assert freed.holder == ""
    assert leases.carry_out(ListLeases()) == [freed]


def test_a_create_of_what_is_there_is_a_conflict(leases: Leases) -> None:
    create(leases)
    assert leases.carry_out(CreateLease(LEASE)) is Failure.CONFLICT


def test_a_write_that_comes_late_is_a_conflict(leases: Leases) -> None:
    created = create(leases)
    leases.carry_out(ReplaceLease(replace(created, holder="op-2")))
    assert leases.carry_out(ReplaceLease(created)) is Failure.CONFLICT
    assert leases.carry_out(DeleteLease(created)) is Failure.CONFLICT


def test_a_write_to_one_that_was_created_again_is_a_conflict(leases: Leases) -> None:
    created = create(leases)
    assert leases.carry_out(DeleteLease(created)) is None
    assert leases.carry_out(ReplaceLease(created)) is Failure.CONFLICT, "a PUT must not create a Lease"
    again = create(leases)
    mixed = replace(again, uid=created.uid)
    assert leases.carry_out(ReplaceLease(mixed)) is Failure.CONFLICT
    assert leases.carry_out(DeleteLease(mixed)) is Failure.CONFLICT


def test_a_delete_of_what_is_gone(leases: Leases) -> None:
    created = create(leases)
    leases.carry_out(DeleteLease(created))
    assert leases.carry_out(DeleteLease(created)) is Failure.NOT_FOUND


def test_a_missing_namespace_is_named(admin_api: Api) -> None:
    """A list of what is in it is an empty one, and no error."""
    nowhere = leases_of(admin_api, "nowhere")
    assert nowhere.carry_out(ListLeases()) == []
    with pytest.raises(
        LeaseError, match=r"Leases in namespace nowhere: the namespace does not exist.*--lease-namespace"
    ):
        nowhere.carry_out(CreateLease(LEASE))


def test_a_refusal_says_why(api: Api, namespace: str) -> None:
    with pytest.raises(LeaseError, match=rf"namespace {namespace}: .* create with HTTP 403 Forbidden\. Bind a Role"):
        create(leases_of(api, namespace))


@dataclass
class IdleRunner:
    """Holds shards, and polls nothing."""

    begun: dict[int, LeaseGuard] = field(default_factory=dict)

    def start(self, shard: int, guard: LeaseGuard, sessions: Mapping[str, HandedOver]) -> None:
        del sessions
        self.begun[shard] = guard

    def resume(self, shard: int) -> None:
        pytest.fail(f"shard {shard} lapsed")

    def drain(self, shard: int) -> bool:
        del shard
        return True

    def stop_and_export(self, shard: int) -> list[HandedOver]:
        del self.begun[shard]
        return []

    def discard(self, shard: int) -> None:
        pytest.fail(f"shard {shard} was lost")


class NoSessions:
    """Keeps nothing."""

    def put(self, shard: int, sessions: Sequence[HandedOver]) -> None:
        raise NotImplementedError

    def take(self, shard: int) -> list[HandedOver]:
        del shard
        return []


def replica(api: Api, name: str, runner: IdleRunner) -> ShardCoordinator:
    ready = threading.Event()
    ready.set()
    return ShardCoordinator(
        Replica(name, 4, 5),
        leases=Leases(api, NAMESPACE, timeout=1.0, utc_now=lambda: datetime.now(UTC)),
        runner=runner,
        store=NoSessions(),
        executor=ThreadPoolExecutor(1),
        view=ShardView(4, time.monotonic),
        ready=ready,
        monotonic=time.monotonic,
    )


def no_deletes(namespace: str) -> dict[str, object]:
    """Describe a policy that refuses to delete Leases there, as a webhook would."""
    rule = {
        "apiGroups": ["coordination.k8s.io"],
        "apiVersions": ["*"],
        "resources": ["leases"],
        "operations": ["DELETE"],
    }
    return {
        "metadata": {"name": "no-deletes"},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "resourceRules": [rule],
            },
            "validations": [{"expression": "false", "message": "hunter2"}],
        },
    }


@pytest.fixture
def undeletable(leases: Leases, admin_api: Api) -> Iterator[Leases]:
    """Leases that nobody can delete."""
    group = "/apis/admissionregistration.k8s.io/v1"
    policies, bindings = f"{group}/validatingadmissionpolicies", f"{group}/validatingadmissionpolicybindings"
    admin_api.call("POST", policies, body=no_deletes(NAMESPACE))
    spec = {"policyName": "no-deletes", "validationActions": ["Deny"]}
    admin_api.call("POST", bindings, body={"metadata": {"name": "no-deletes"}, "spec": spec})

    def refused() -> bool:
        lease = create(leases, replace(LEASE, name=shard_lease(99)))
        try:
            leases.carry_out(DeleteLease(lease))
        except LeaseError as error:
            return str(error).endswith("answered delete with HTTP 422 Invalid")
        return False

    try:
        wait_until(refused, 20, "the policy")
        yield leases
    finally:
        admin_api.call("DELETE", f"{bindings}/no-deletes")
        admin_api.call("DELETE", f"{policies}/no-deletes")
        wait_until(lambda: not leases_left(admin_api), 20, "the end of the policy")


def leases_left(admin_api: Api) -> bool:
    try:
        admin_api.call("DELETE", COLLECTION)
    except ApiError:
        return True
    return bool(admin_api.call("GET", COLLECTION)["items"])


def test_all_is_taken_and_given_though_no_delete_is_let_through(
    undeletable: Leases, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """What is left by replicas that are gone, also by one with another number of shards, holds nothing up."""
    for holder, shards in (("before", 4), ("stranger", 6)):
        create(undeletable, Lease(member_lease(holder), holder, shards, 5))
    create(undeletable, Lease(shard_lease(0), "before", 4, 5))
    late = create(undeletable, Lease(shard_lease(1), "stranger", 6, 5))
    one = replica(api, "one", IdleRunner())
    one.start()
    wait_until(lambda: one.view.held == (0, 1, 2, 3), 15, "all shards")
    assert (one.failing, one.complaint) == (0, "")
    assert undeletable.carry_out(ReplaceLease(late)) is Failure.CONFLICT, "it could be renewed late"
    assert one.stop(3)
    assert caplog.text.count("HTTP 422 Invalid. This only leaves unneeded Leases behind") == 1
    assert "hunter2" not in caplog.text
    two = replica(api, "two", IdleRunner())
    two.start()
    wait_until(lambda: two.view.held == (0, 1, 2, 3), 3, "all shards, which were set free")
    assert two.stop(3)


@pytest.mark.usefixtures("leases")
def test_two_replicas_share_and_one_takes_over(api: Api, admin_api: Api) -> None:
    counting = Meddling(api)
    hosts = [IdleRunner(), IdleRunner()]
    first, second = replica(counting, "first", hosts[0]), replica(api, "second", hosts[1])
    first.start()
    wait_until(lambda: first.view.held == (0, 1, 2, 3), 10, "all shards in the first")
    second.start()
    wait_until(lambda: (len(first.view.held), len(second.view.held)) == (2, 2), 15, "two shards each")
    assert set(first.view.held) | set(second.view.held) == {0, 1, 2, 3}
    assert not set(hosts[0].begun) & set(hosts[1].begun)
    assert (first.view.members, second.view.members) == (2, 2)
    began = time.monotonic()
    assert first.stop(5)
    wait_until(lambda: second.view.held == (0, 1, 2, 3), 5, "all shards in the second")
    assert time.monotonic() - began < 4
    assert second.stop(5)
    left = admin_api.call("GET", COLLECTION)["items"]
    assert {(lease["metadata"]["name"], lease["spec"].get("holderIdentity", "")) for lease in left} == {
        (shard_lease(shard), "") for shard in range(4)
    }
    assert set(counting.calls) == {"GET", "POST", "PUT", "DELETE"}
