"""Sessions that wait as Secrets on a real API server, with permission only to list, create and delete them."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.core.sharding.handover import HandedOver, HandoverError, encode
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.handovers import SHARD, Handovers
from sandbox.kube.operator_process import USER
from sandbox.processes.waiting import wait_until
from tests.integration.support.handovers import handed_over
from tests.integration.support.kube_access import Administrator, Meddling

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api
    from sandbox.kube.kubectl import Kubectl

KIND = "secrets"
OURS = "app.kubernetes.io/managed-by=appconfig-operator"


@pytest.fixture
def rights(kubectl: Kubectl, namespace: str) -> str:
    """A namespace where the operator may do what it needs for the handover."""
    role = ("--verb=list,create,delete", "--resource=secrets", "-n", namespace)
    kubectl("create", "role", "handover", *role)
    kubectl("create", "rolebinding", "handover", "--role=handover", f"--user={USER}", "-n", namespace)
    return namespace


@pytest.fixture
def store(api: Api, rights: str) -> Handovers:
    store = Handovers(api, rights)
    wait_until(lambda: allowed(store), 10, "the rights to be known")
    return store


def allowed(store: Handovers) -> bool:
    try:
        store.take(63)
    except HandoverError:
        return False
    return True


def many(count: int) -> list[HandedOver]:
    return [handed_over(f"0f7b9d3e-0000-4000-8000-{number:012}") for number in range(count)]


def secrets(admin: Administrator) -> list[dict[str, Any]]:
    listed = admin.api.call("GET", f"/api/v1/namespaces/{admin.namespace}/secrets")
    found: list[dict[str, Any]] = listed["items"]
    return found


def names(admin: Administrator) -> list[str]:
    return sorted(secret["metadata"]["name"] for secret in secrets(admin))


def plant(admin: Administrator, number: int, chunk: bytes, *, shard: int = 0, **metadata: Any) -> dict[str, Any]:
    """Create a Secret as it may be left over from before."""
    name = f"appconfig-operator-sessions-{shard}-{number}"
    labels = {"app.kubernetes.io/managed-by": "appconfig-operator", SHARD: str(shard)}
    data = {"sessions": base64.b64encode(chunk).decode()}
    return admin.create(KIND, {"metadata": {"name": name, "labels": labels, **metadata}, "data": data})


def later(admin: Administrator) -> None:
    """Wait until the API server, which has times to the second, has another one."""
    before = admin.create("configmaps", {"metadata": {"generateName": "clock-"}})

    def another() -> bool:
        now = admin.create("configmaps", {"metadata": {"generateName": "clock-"}})
        return bool(now["metadata"]["creationTimestamp"] != before["metadata"]["creationTimestamp"])

    wait_until(another, 5, "the next second")


def test_taken_once(store: Handovers, admin: Administrator) -> None:
    sessions = many(3)
    store.put(0, sessions)
    (secret,) = secrets(admin)
    assert secret["metadata"]["name"] == "appconfig-operator-sessions-0-0"
    assert secret["type"] == "Opaque"
    assert store.take(0) == sessions
    assert secrets(admin) == []
    assert store.take(0) == []


def test_shards_are_apart(store: Handovers) -> None:
    one, ten = many(1), many(2)
    store.put(1, one)
    store.put(10, ten)
    assert store.take(0) == []
    assert store.take(1) == one
    assert store.take(10) == ten


def test_ten_thousand(store: Handovers, admin: Administrator) -> None:
    sessions = many(10_000)
    began = time.monotonic()
    store.put(0, sessions)
    assert len(secrets(admin)) > 1, "in chunks"
    assert store.take(0) == sessions
    assert time.monotonic() - began < 20
    assert secrets(admin) == []


def test_more_than_a_page(store: Handovers, admin: Administrator) -> None:
    for number in range(12):
        plant(admin, number, encode([handed_over(str(number))], "set")[0])
    assert {session.uid for session in store.take(0)} == {str(number) for number in range(12)}


def test_what_is_put_replaces_what_is_there(store: Handovers, admin: Administrator) -> None:
    store.put(0, many(3_000))
    store.put(1, many(1))
    newer = many(2)
    store.put(0, newer)
    assert names(admin) == ["appconfig-operator-sessions-0-0", "appconfig-operator-sessions-1-0"]
    assert store.take(0) == newer
    store.put(1, [])
    assert secrets(admin) == []


def test_only_the_newest_set_is_taken(store: Handovers, admin: Administrator) -> None:
    """Chunks of an older set are left over when a replica could not delete them. Their tokens have been used since."""
    plant(admin, 5, encode([handed_over("older")], "zz")[0])
    plant(admin, 9, encode([handed_over("old")], "a")[0])
    later(admin)
    plant(admin, 1, encode([handed_over("new")], "m")[0])
    plant(admin, 2, encode([handed_over("new too")], "m")[0])
    assert {session.uid for session in store.take(0)} == {"new", "new too"}
    assert secrets(admin) == [], "and the others are cleared away"


def test_within_a_second_the_version_decides(store: Handovers, admin: Administrator) -> None:
    for number in range(3):
        plant(admin, number, encode([handed_over(str(number))], f"set {-number}")[0])
    assert [session.uid for session in store.take(0)] == ["2"]


@pytest.mark.parametrize(
    "chunk",
    [b"", b"no JSON", b"\xff\x00", b'{"version":2,"set":"a","sessions":[]}'],
    ids=["empty", "text", "bytes", "new"],
)
def test_a_damaged_chunk_costs_its_own_sessions_only(store: Handovers, admin: Administrator, chunk: bytes) -> None:
    plant(admin, 0, encode([handed_over("whole")], "set")[0])
    plant(admin, 1, chunk)
    admin.create(
        KIND,
        {
            "metadata": {
                "name": "no-data",
                "labels": {"app.kubernetes.io/managed-by": "appconfig-operator", SHARD: "0"},
            }
        },
    )
    assert [session.uid for session in store.take(0)] == ["whole"]
    assert secrets(admin) == []


def test_secrets_of_others_are_left_alone(store: Handovers, admin: Administrator) -> None:
    admin.create(KIND, {"metadata": {"name": "theirs"}, "data": {"key": "eA=="}})
    admin.create(KIND, {"metadata": {"name": "labelled", "labels": {SHARD: "0"}}, "data": {"key": "eA=="}})
    store.put(0, many(1))
    store.take(0)
    assert names(admin) == ["labelled", "theirs"]


def test_two_replicas_never_take_the_same(api: Api, store: Handovers, rights: str, admin: Administrator) -> None:
    for number in range(12):
        plant(admin, number, encode([handed_over(str(number))], "set")[0])
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda each: each.take(0), [store, Handovers(api, rights)]))
    uids = [session.uid for sessions in taken for session in sessions]
    assert sorted(uids, key=int) == [str(number) for number in range(12)]


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "created again"])
def test_what_somebody_else_took_is_not_used(
    api: Api, store: Handovers, rights: str, admin: Administrator, *, again: bool
) -> None:
    """Between the list and the delete. `DELETE` by name alone would succeed on the one that was created again."""
    store.put(0, many(1))

    def meddle() -> None:
        meddling.meddle_no_more()
        store.take(0)
        if again:
            store.put(0, many(1))

    meddling = Once(api, before="DELETE", meddle=meddle)
    assert Handovers(meddling, rights).take(0) == []
    assert len(secrets(admin)) == again


def test_what_changed_since_it_was_listed_is_not_used(
    api: Api, store: Handovers, rights: str, admin: Administrator
) -> None:
    store.put(0, many(1))

    def meddle() -> None:
        admin.patch(KIND, "appconfig-operator-sessions-0-0", {"metadata": {"labels": {"changed": "yes"}}})

    assert Handovers(Meddling(api, before="DELETE", meddle=meddle), rights).take(0) == []


def test_a_secret_that_waits_for_its_end_is_taken_once(store: Handovers, admin: Administrator) -> None:
    """A finalizer of somebody else keeps it. The next one to be put has no place then, and says so."""
    plant(admin, 0, encode([handed_over("a")], "set")[0], finalizers=["example.com/backup"])
    assert [session.uid for session in store.take(0)] == ["a"]
    assert store.take(0) == []
    with pytest.raises(HandoverError, match=r"could not be stored in namespace test-.*HTTP 409 AlreadyExists"):
        store.put(0, many(1))
    admin.patch(KIND, "appconfig-operator-sessions-0-0", {"metadata": {"finalizers": None}})


def test_no_right(api: Api, namespace: str) -> None:
    store = Handovers(api, namespace)
    words = f"the operator is not allowed to list, create and delete Secrets in namespace {namespace}"
    with pytest.raises(HandoverError, match=f"The sessions of shard 3 could not be taken over: {words}"):
        store.take(3)
    with pytest.raises(HandoverError, match=f"The sessions of shard 3 could not be stored: {words}"):
        store.put(3, many(1))


def test_no_answer(api: Api, rights: str) -> None:
    def away() -> None:
        raise UnreachableError("ConnectTimeoutError")

    words = r"the Kubernetes API server could not be reached \(ConnectTimeoutError\)"
    with pytest.raises(HandoverError, match=f"could not be taken over: {words}"):
        Handovers(Meddling(api, before="GET", meddle=away), rights).take(0)
    with pytest.raises(HandoverError, match=f"could not be stored: {words}"):
        Handovers(Meddling(api, before="GET", meddle=away), rights).put(0, many(1))


def test_what_was_taken_before_a_failure_is_not_lost(
    api: Api, store: Handovers, rights: str, admin: Administrator, caplog: pytest.LogCaptureFixture
) -> None:
    plant(admin, 0, encode([handed_over("first")], "set")[0])
    plant(admin, 1, encode([handed_over("second")], "set")[0])
    failing = FailingLater(api)
    assert [session.uid for session in Handovers(failing, rights).take(0)] == ["first"]
    assert "The sessions of shard 0 could not be taken over" in caplog.text
    assert [session.uid for session in store.take(0)] == ["second"], "nobody has used its token"


def test_no_token_in_errors(store: Handovers, admin: Administrator) -> None:
    """The API server quotes a body that it refuses."""
    sessions = many(1)
    admin.create(KIND, {"metadata": {"name": "appconfig-operator-sessions-0-0"}})
    with pytest.raises(HandoverError) as refused:
        store.put(0, sessions)
    shown = f"{refused.value!r} {refused.value.__cause__!r}"
    assert sessions[0].session.token[:20] not in shown
    assert base64.b64encode(encode(sessions, "")[0]).decode()[:40] not in shown


class Once(Meddling):
    """Meddles before the first such call."""

    def meddle_no_more(self) -> None:
        self._before = ""


class FailingLater(Meddling):
    """The second `DELETE` fails."""

    def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        if method == "DELETE" and self.calls["DELETE"]:
            raise ApiError(500, {})
        return super().call(method, path, **options)


def test_what_is_left_of_shards_that_no_longer_exist_is_deleted_by_the_replica_with_the_first(
    api: Api, store: Handovers, rights: str, kubectl: Kubectl
) -> None:
    for shard in range(4):
        store.put(shard, [handed_over()])
    fewer = Handovers(api, rights, shards=2)
    fewer.take(1)
    assert len(stored(kubectl, rights)) == 3
    fewer.take(0)
    assert stored(kubectl, rights) == []
    store.put(1, [handed_over()])
    fewer.take(0)
    assert stored(kubectl, rights) == ["appconfig-operator-sessions-1-0"], "another's is none of its business"


def stored(kubectl: Kubectl, namespace: str) -> list[str]:
    shown = kubectl("get", "secrets", "-n", namespace, "-l", OURS, "-o", "jsonpath={.items[*].metadata.name}")
    return sorted(shown.split())
