"""Callers in use: shared, rechecked once a minute, replaced when refused, and forgotten."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.credentials import ReadOnlyCredentials

from appconfig_operator.aws import caller_pool
from appconfig_operator.aws.caller_pool import CallerPool, PooledCaller
from appconfig_operator.aws.clients import Caller, Clients
from appconfig_operator.aws.roles import Issued
from appconfig_operator.core.errors import BusyError, ForbiddenError, Reason, SourceError, StallingError, TransientError
from appconfig_operator.core.identity import OPERATOR, AccessKeys, Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.aws.roles import Basis, Roles

ROLE = "arn:aws:iam::111122223333:role/shop"
BY_SECRET = Identity("shop", secret="aws")
BY_ACCOUNT = Identity("shop", service_account="cart")
ON_TOP = Identity("shop", service_account="cart", role_arn=f"{ROLE}-2")
REGION = "eu-west-1"


@dataclass
class IdentityWorld:
    """A cluster, AWS, and the time."""

    now: float = 5000.0
    secret: AccessKeys = field(default_factory=lambda: AccessKeys("AKIA1", "s"))
    role: str = ROLE
    trouble: SourceError | None = None
    sts_trouble: SourceError | None = None
    reads: int = 0
    refreshes: int = 0
    issues: list[str | None] = field(default_factory=list)

    def keys(self, namespace: str, name: str) -> AccessKeys:
        assert (namespace, name) == ("shop", "aws")
        self.read()
        return self.secret

    def role_arn(self, namespace: str, name: str) -> str:
        assert (namespace, name) == ("shop", "cart")
        self.read()
        return self.role

    def token(self, namespace: str, name: str) -> str:
        raise AssertionError((namespace, name))

    def read(self) -> None:
        self.reads += 1
        if self.trouble:
            raise self.trouble

    def issue(
        self, _identity: Identity, basis: Basis, region: str | None, _own: Callable[[], ReadOnlyCredentials]
    ) -> Issued:
        self.issues.append(region)
        keys = basis.keys
        if keys is not None:
            return Issued(ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, None, None))
        self.refreshes += 1
        self.hang()
        if self.sts_trouble:
            raise self.sts_trouble
        return Issued(ReadOnlyCredentials(f"ASIA{self.refreshes}", "s", "t", None), 3600)

    def hang(self) -> None:
        """Answer at once."""

    def pool(self) -> CallerPool:
        return CallerPool(identities=self, roles=cast("Roles", self), own=_no_own, monotonic=lambda: self.now)


def _no_own() -> ReadOnlyCredentials:
    raise NotImplementedError


def key(caller: PooledCaller) -> str | None:
    """Return the key that a caller signs with."""
    return caller.credentials.access_key


def test_shared_and_read_once_a_minute() -> None:
    world = IdentityWorld()
    pool = world.pool()
    first = pool.get(REGION, BY_SECRET)
    world.now += 59
    assert pool.get(REGION, Identity("shop", secret="aws")) is first
    assert world.reads == 1
    world.now += 1
    assert pool.get(REGION, BY_SECRET).credentials is first.credentials
    assert (world.reads, len(world.issues)) == (2, 1)


def test_regions_are_separate() -> None:
    world = IdentityWorld()
    pool = world.pool()
    assert pool.get(REGION, BY_SECRET) is not pool.get("eu-central-1", BY_SECRET)
    assert world.issues == [REGION, "eu-central-1"]


def test_a_changed_secret_is_followed_within_a_minute() -> None:
    world = IdentityWorld()
    pool = world.pool()
    assert key(pool.get(REGION, BY_SECRET)) == "AKIA1"
    world.secret = AccessKeys("AKIA2", "s")
    assert key(pool.get(REGION, BY_SECRET)) == "AKIA1"
    world.now += 60
    assert key(pool.get(REGION, BY_SECRET)) == "AKIA2"


def test_a_changed_annotation_is_followed_within_a_minute() -> None:
    world = IdentityWorld()
    pool = world.pool()
    assert pool.get(REGION, BY_ACCOUNT).name == f"ServiceAccount shop/cart with role {ROLE}"
    world.role = f"{ROLE}-new"
    world.now += 60
    assert pool.get(REGION, BY_ACCOUNT).name == f"ServiceAccount shop/cart with role {ROLE}-new"
    assert world.refreshes == 2


def test_the_role_on_top_is_named() -> None:
    assert IdentityWorld().pool().get(REGION, ON_TOP).name == f"role {ROLE}-2 assumed by ServiceAccount shop/cart"


@pytest.mark.parametrize(
    ("identity", "account"),
    [
        (BY_SECRET, ""),
        (BY_ACCOUNT, "111122223333"),
        (Identity("shop", secret="aws", role_arn="arn:aws:iam::444455556666:role/shop"), "444455556666"),
        (Identity("shop", service_account="cart", role_arn="arn:aws:iam::444455556666:role/shop"), "444455556666"),
    ],
    ids=["keys", "ServiceAccount", "keys and role", "ServiceAccount and role"],
)
def test_the_account_is_that_of_the_last_role(identity: Identity, account: str) -> None:
    assert IdentityWorld().pool().get(REGION, identity).account == account


def test_a_deleted_secret_ends_its_use_within_a_minute() -> None:
    world = IdentityWorld()
    pool = world.pool()
    pool.get(REGION, BY_SECRET)
    world.trouble = StallingError(Reason.CREDENTIALS_UNAVAILABLE, "gone")
    world.now += 60
    for reads in (2, 3):
        with pytest.raises(StallingError, match="gone"):
            pool.get(REGION, BY_SECRET)
        assert world.reads == reads
        world.now += 2
    world.trouble = None
    assert key(pool.get(REGION, BY_SECRET)) == "AKIA1"


def test_an_api_server_that_is_away_does_not_end_its_use() -> None:
    world = IdentityWorld()
    pool = world.pool()
    first = pool.get(REGION, BY_SECRET)
    world.trouble = TransientError(Reason.TARGET_UNAVAILABLE, "away")
    world.now += 60
    assert pool.get(REGION, BY_SECRET).credentials is first.credentials
    assert pool.get(REGION, BY_SECRET).credentials is first.credentials
    assert world.reads == 2
    world.trouble = ForbiddenError(Reason.CREDENTIALS_UNAVAILABLE, "no right")
    world.now += 60
    with pytest.raises(ForbiddenError):
        pool.get(REGION, BY_SECRET)


def test_an_api_server_that_is_away_from_the_start_is_reported() -> None:
    world = IdentityWorld(trouble=TransientError(Reason.TARGET_UNAVAILABLE, "away"))
    with pytest.raises(TransientError, match="away"):
        world.pool().get(REGION, BY_SECRET)


def test_credentials_of_a_role_are_refreshed_before_they_expire() -> None:
    world = IdentityWorld()
    pool = world.pool()
    pool.get(REGION, BY_ACCOUNT)
    world.now += 44 * 60
    assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA1"
    world.now += 2 * 60
    assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA2"


def test_a_refresh_may_fail_early_and_not_late() -> None:
    world = IdentityWorld()
    pool = world.pool()
    pool.get(REGION, BY_ACCOUNT)
    world.sts_trouble = TransientError(Reason.SERVICE_UNAVAILABLE, "STS is away")
    world.now += 46 * 60
    for _ in range(3):
        assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA1"
    assert world.refreshes == 2, "once a minute, and not at each poll"
    world.now += 5 * 60
    with pytest.raises(TransientError, match="STS is away"):
        pool.get(REGION, BY_ACCOUNT)


def test_what_sts_refused_is_read_again_soon() -> None:
    """It is not in use, and who fixes the annotation does not want to wait."""
    world = IdentityWorld(sts_trouble=StallingError(Reason.ACCESS_DENIED, "no trust"))
    pool = world.pool()
    with pytest.raises(StallingError, match="no trust"):
        pool.get(REGION, BY_ACCOUNT)
    world.sts_trouble, world.role = None, f"{ROLE}-new"
    world.now += 1
    assert pool.get(REGION, BY_ACCOUNT).name.endswith(f"{ROLE}-new")
    assert world.reads == 2


@pytest.mark.parametrize("kind", [TransientError, StallingError])
def test_a_thousand_sources_of_one_identity_make_one_call(kind: type[SourceError]) -> None:
    """Each hears of the failure, and when it is worth coming back: within a minute, however long it has lasted."""
    world = IdentityWorld(sts_trouble=kind(Reason.ACCESS_DENIED, "no"))
    pool = world.pool()
    pauses = []
    for calls in range(1, 10):
        errors = set()
        for _ in range(1000):
            with pytest.raises(kind, match="no") as failed:
                pool.get(REGION, BY_ACCOUNT)
            errors.add(id(failed.value))
            pause = failed.value.retry_after
        assert world.refreshes == calls
        pauses.append(pause)
        world.now += pause
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    world.sts_trouble = None
    assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA10"


def test_refused_credentials_are_replaced_once_a_minute() -> None:
    world = IdentityWorld()
    pool = world.pool()
    refused = pool.get(REGION, BY_SECRET)
    assert not pool.renew(REGION, BY_SECRET, refused.credentials), "they are a moment old"
    assert pool.get(REGION, BY_SECRET) is refused
    world.now += 59
    pool.get(REGION, BY_SECRET)
    world.now += 1
    world.secret = AccessKeys("AKIA2", "s")
    assert pool.renew(REGION, BY_SECRET, refused.credentials)
    fresh = pool.get(REGION, BY_SECRET)
    assert key(fresh) == "AKIA2"
    assert pool.renew(REGION, BY_SECRET, refused.credentials), "another source has done it"
    assert pool.get(REGION, BY_SECRET) is fresh
    assert not pool.renew(REGION, BY_SECRET, fresh.credentials)


def test_a_refused_secret_is_read_again_though_it_was_a_moment_ago() -> None:
    """Keys that were replaced and disabled at once: the poll that meets it gets the new ones."""
    world = IdentityWorld()
    pool = world.pool()
    refused = pool.get(REGION, BY_SECRET)
    world.now += 61
    pool.get(REGION, BY_SECRET)
    world.secret = AccessKeys("AKIA2", "s")
    world.now += 1
    assert pool.renew(REGION, BY_SECRET, refused.credentials)
    assert key(pool.get(REGION, BY_SECRET)) == "AKIA2"


def test_what_is_not_used_for_an_hour_is_forgotten() -> None:
    world = IdentityWorld()
    pool = world.pool()
    first = pool.get(REGION, BY_SECRET)
    for _ in range(3):
        world.now += 1800
        pool.get("eu-central-1", BY_SECRET)
    assert len(pool._entries) == 1
    assert pool.get(REGION, BY_SECRET) is not first


def test_no_more_are_kept_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_pool, "LIMIT", 2)
    world = IdentityWorld()
    pool = world.pool()
    first, second = pool.get("a", BY_SECRET), pool.get("b", BY_SECRET)
    assert pool.get("a", BY_SECRET) is first
    pool.get("c", BY_SECRET)
    assert pool.get("a", BY_SECRET) is first
    assert pool.get("b", BY_SECRET) is not second
    assert len(pool._entries) == 2


class Hanging(IdentityWorld):
    """An STS that answers on request."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.release = threading.Event(), threading.Event()

    def hang(self) -> None:
        self.entered.set()
        assert self.release.wait(10)


def start(pool: CallerPool, outcomes: list[object]) -> threading.Thread:
    def get() -> None:
        try:
            outcomes.append(key(pool.get(REGION, BY_ACCOUNT)))
        except SourceError as error:
            outcomes.append(error)

    thread = threading.Thread(target=get)
    thread.start()
    return thread


def test_nobody_waits_while_sts_hangs() -> None:
    world = Hanging()
    pool, outcomes = world.pool(), list[object]()
    thread = start(pool, outcomes)
    assert world.entered.wait(10)
    waits = []
    for elapsed in (0.0, 1.0, 10.0):
        world.now = 5000.0 + elapsed
        with pytest.raises(BusyError) as paced:
            pool.get(REGION, BY_ACCOUNT)
        waits.append(paced.value.seconds)
    assert waits == [0.05, 1.0, 10.0], "less and less often"
    assert key(pool.get(REGION, BY_SECRET)) == "AKIA1", "nor does another identity"
    world.now += 60
    with pytest.raises(TransientError, match=f"credentials of {BY_ACCOUNT} hangs"):
        pool.get(REGION, BY_ACCOUNT)
    world.release.set()
    thread.join()
    assert outcomes == ["ASIA1"]
    assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA1"


def test_nobody_waits_while_credentials_that_are_good_are_refreshed() -> None:
    world = Hanging()
    pool, outcomes = world.pool(), list[object]()
    world.release.set()
    start(pool, outcomes).join()
    world.release.clear()
    world.entered.clear()
    world.now += 49 * 60 + 50
    thread = start(pool, outcomes)
    assert world.entered.wait(10)
    assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA1"
    world.now += 15
    with pytest.raises(BusyError):
        pool.get(REGION, BY_ACCOUNT)
    world.release.set()
    thread.join()
    assert outcomes == ["ASIA1", "ASIA2"]
    assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA2"


def test_the_operators_credentials_that_another_thread_gets_are_not_a_failure() -> None:
    class Waiting(IdentityWorld):
        def hang(self) -> None:
            if self.refreshes == 1:
                raise BusyError(0.5)

    pool = Waiting().pool()
    with pytest.raises(BusyError):
        pool.get(REGION, BY_ACCOUNT)
    assert key(pool.get(REGION, BY_ACCOUNT)) == "ASIA2"


def test_without_a_cluster_no_identity_is_taken_for_the_operator() -> None:
    clients = Clients(workers=1, user_agent="test")
    with pytest.raises(ValueError, match="no cluster"):
        clients.get(REGION, BY_SECRET)
    assert not clients.renew(REGION, OPERATOR, Caller(cast("Any", None), ""))
