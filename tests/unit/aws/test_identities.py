"""Identities in use: shared, looked at once a minute, made anew when refused, and forgotten."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.credentials import Credentials, DeferredRefreshableCredentials
from botocore.exceptions import EndpointConnectionError

from appconfig_operator.aws import identities as module
from appconfig_operator.aws.clients import Clients
from appconfig_operator.aws.identities import Caller, Identities
from appconfig_operator.core.errors import Reason, RefusedError, SourceError, StallingError, TransientError
from appconfig_operator.core.identity import OPERATOR, AccessKeys, Identity

if TYPE_CHECKING:
    from appconfig_operator.aws.roles import Basis, Roles

ROLE = "arn:aws:iam::111122223333:role/shop"
BY_SECRET = Identity("shop", secret="aws")
BY_ACCOUNT = Identity("shop", service_account="cart")
ON_TOP = Identity("shop", service_account="cart", role_arn=f"{ROLE}-2")
REGION = "eu-west-1"


@dataclass
class World:
    """A cluster, AWS, and the time."""

    now: float = 5000.0
    secret: AccessKeys = field(default_factory=lambda: AccessKeys("AKIA1", "s"))
    role: str = ROLE
    trouble: SourceError | None = None
    sts_trouble: Exception | None = None
    looks: int = 0
    refreshes: int = 0
    clients: list[Any] = field(default_factory=list)

    def keys(self, namespace: str, name: str) -> AccessKeys:
        assert (namespace, name) == ("shop", "aws")
        self.look()
        return self.secret

    def role_arn(self, namespace: str, name: str) -> str:
        assert (namespace, name) == ("shop", "cart")
        self.look()
        return self.role

    def token(self, namespace: str, name: str) -> str:
        raise AssertionError((namespace, name))

    def look(self) -> None:
        self.looks += 1
        if self.trouble:
            raise self.trouble

    def utc(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now)

    def credentials(self, _identity: Identity, basis: Basis, _region: str | None, _own: object) -> Credentials:
        keys = basis.keys
        if keys is not None:
            return Credentials(keys.access_key_id, keys.secret_access_key)
        return DeferredRefreshableCredentials(self.refresh, "test", self.utc)

    def refresh(self) -> dict[str, str]:
        self.refreshes += 1
        if self.sts_trouble:
            raise self.sts_trouble
        expiry = (self.utc() + timedelta(hours=1)).isoformat()
        return {"access_key": f"ASIA{self.refreshes}", "secret_key": "s", "token": "t", "expiry_time": expiry}

    def appconfigdata(self, credentials: Credentials, region: str | None) -> object:
        self.clients.append((credentials, region))
        return credentials

    def identities(self) -> Identities:
        return Identities(
            cluster=self, roles=cast("Roles", self), own=lambda: Credentials("own", "s"), monotonic=lambda: self.now
        )


def key(caller: Caller) -> str | None:
    """Tell whose key a caller signs with."""
    return cast("Credentials", caller.client).get_frozen_credentials().access_key


def test_shared_and_looked_at_once_a_minute() -> None:
    world = World()
    identities = world.identities()
    first = identities.get(REGION, BY_SECRET)
    world.now += 59
    assert identities.get(REGION, Identity("shop", secret="aws")) is first
    assert world.looks == 1
    world.now += 1
    assert identities.get(REGION, BY_SECRET) is first
    assert (world.looks, len(world.clients)) == (2, 1)


def test_regions_are_apart() -> None:
    world = World()
    identities = world.identities()
    assert identities.get(REGION, BY_SECRET) is not identities.get("eu-central-1", BY_SECRET)
    assert [region for _, region in world.clients] == [REGION, "eu-central-1"]


def test_a_changed_secret_is_followed_within_a_minute() -> None:
    world = World()
    identities = world.identities()
    assert key(identities.get(REGION, BY_SECRET)) == "AKIA1"
    world.secret = AccessKeys("AKIA2", "s")
    assert key(identities.get(REGION, BY_SECRET)) == "AKIA1"
    world.now += 60
    assert key(identities.get(REGION, BY_SECRET)) == "AKIA2"


def test_a_changed_annotation_is_followed_within_a_minute() -> None:
    world = World()
    identities = world.identities()
    assert identities.get(REGION, BY_ACCOUNT).name == f"ServiceAccount shop/cart with role {ROLE}"
    world.role = f"{ROLE}-new"
    world.now += 60
    assert identities.get(REGION, BY_ACCOUNT).name == f"ServiceAccount shop/cart with role {ROLE}-new"
    assert world.refreshes == 2


def test_the_role_on_top_is_named() -> None:
    assert World().identities().get(REGION, ON_TOP).name == f"role {ROLE}-2, assumed by ServiceAccount shop/cart"


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
    assert World().identities().get(REGION, identity).account == account


def test_a_deleted_secret_ends_its_use_within_a_minute() -> None:
    world = World()
    identities = world.identities()
    identities.get(REGION, BY_SECRET)
    world.trouble = StallingError(Reason.CREDENTIALS_UNAVAILABLE, "gone")
    world.now += 60
    for looks in (2, 3):
        with pytest.raises(StallingError, match="gone"):
            identities.get(REGION, BY_SECRET)
        assert world.looks == looks
        world.now += 1
    world.trouble = None
    assert key(identities.get(REGION, BY_SECRET)) == "AKIA1"


def test_an_api_server_that_is_away_does_not_end_its_use() -> None:
    world = World()
    identities = world.identities()
    first = identities.get(REGION, BY_SECRET)
    world.trouble = TransientError(Reason.TARGET_UNAVAILABLE, "away")
    world.now += 60
    assert identities.get(REGION, BY_SECRET) is first
    assert identities.get(REGION, BY_SECRET) is first
    assert world.looks == 2
    world.trouble = RefusedError(Reason.CREDENTIALS_UNAVAILABLE, "no right")
    world.now += 60
    with pytest.raises(RefusedError):
        identities.get(REGION, BY_SECRET)


def test_an_api_server_that_is_away_from_the_start_is_told() -> None:
    world = World(trouble=TransientError(Reason.TARGET_UNAVAILABLE, "away"))
    with pytest.raises(TransientError, match="away"):
        world.identities().get(REGION, BY_SECRET)


def test_credentials_of_a_role_are_refreshed_before_they_expire() -> None:
    world = World()
    identities = world.identities()
    caller = identities.get(REGION, BY_ACCOUNT)
    world.now += 44 * 60
    assert key(identities.get(REGION, BY_ACCOUNT)) == "ASIA1"
    world.now += 2 * 60
    assert identities.get(REGION, BY_ACCOUNT) is caller
    assert key(caller) == "ASIA2"


def test_a_refresh_that_fails_early_is_no_trouble_and_one_that_fails_late_is() -> None:
    world = World()
    identities = world.identities()
    identities.get(REGION, BY_ACCOUNT)
    world.sts_trouble = TransientError(Reason.SERVICE_UNAVAILABLE, "STS is away")
    world.now += 46 * 60
    assert key(identities.get(REGION, BY_ACCOUNT)) == "ASIA1"
    world.now += 5 * 60
    with pytest.raises(TransientError, match="STS is away"):
        identities.get(REGION, BY_ACCOUNT)


def test_what_sts_refused_is_looked_at_again_at_once() -> None:
    """It is not in use, and who mends the annotation does not want to wait."""
    world = World(sts_trouble=StallingError(Reason.ACCESS_DENIED, "no trust"))
    identities = world.identities()
    with pytest.raises(StallingError, match="no trust"):
        identities.get(REGION, BY_ACCOUNT)
    world.sts_trouble, world.role = None, f"{ROLE}-new"
    assert identities.get(REGION, BY_ACCOUNT).name.endswith(f"{ROLE}-new")
    assert world.looks == 2


def test_what_sts_could_not_tell_is_not_looked_at_again() -> None:
    world = World(sts_trouble=TransientError(Reason.SERVICE_UNAVAILABLE, "away"))
    identities = world.identities()
    for _ in range(3):
        with pytest.raises(TransientError):
            identities.get(REGION, BY_ACCOUNT)
    assert (world.looks, world.refreshes) == (1, 3)


def test_refused_credentials_are_made_anew_once_a_minute() -> None:
    world = World()
    identities = world.identities()
    refused = identities.get(REGION, BY_SECRET)
    assert not identities.renew(REGION, BY_SECRET, refused), "they are a moment old"
    assert identities.get(REGION, BY_SECRET) is refused
    world.now += 59
    identities.get(REGION, BY_SECRET)
    world.now += 1
    world.secret = AccessKeys("AKIA2", "s")
    assert identities.renew(REGION, BY_SECRET, refused)
    fresh = identities.get(REGION, BY_SECRET)
    assert key(fresh) == "AKIA2"
    assert identities.renew(REGION, BY_SECRET, refused), "another source has done it"
    assert identities.get(REGION, BY_SECRET) is fresh
    assert not identities.renew(REGION, BY_SECRET, fresh)


def test_a_refused_secret_is_read_again_though_it_was_a_moment_ago() -> None:
    """Keys that were replaced and disabled at once: the poll that meets it gets the new ones."""
    world = World()
    identities = world.identities()
    refused = identities.get(REGION, BY_SECRET)
    world.now += 61
    identities.get(REGION, BY_SECRET)
    world.secret = AccessKeys("AKIA2", "s")
    world.now += 1
    assert identities.renew(REGION, BY_SECRET, refused)
    assert key(identities.get(REGION, BY_SECRET)) == "AKIA2"


def test_what_is_not_used_for_an_hour_is_forgotten() -> None:
    world = World()
    identities = world.identities()
    first = identities.get(REGION, BY_SECRET)
    for _ in range(3):
        world.now += 1800
        identities.get("eu-central-1", BY_SECRET)
    assert len(identities._places) == 1
    assert identities.get(REGION, BY_SECRET) is not first


def test_no_more_are_kept_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 2)
    world = World()
    identities = world.identities()
    first, second = identities.get("a", BY_SECRET), identities.get("b", BY_SECRET)
    assert identities.get("a", BY_SECRET) is first
    identities.get("c", BY_SECRET)
    assert identities.get("a", BY_SECRET) is first
    assert identities.get("b", BY_SECRET) is not second
    assert len(identities._places) == 2


def test_what_nobody_foresaw_is_an_error_of_ours() -> None:
    world = World(sts_trouble=RuntimeError("hunter2"))
    with pytest.raises(StallingError) as error:
        world.identities().get(REGION, BY_ACCOUNT)
    assert error.value.reason is Reason.CREDENTIALS_UNAVAILABLE
    assert "hunter2" not in error.value.message


def test_an_endpoint_that_is_none_is_an_error_of_ours() -> None:
    class Wrong(World):
        def appconfigdata(self, credentials: Credentials, region: str | None) -> object:
            del credentials, region
            raise ValueError("Invalid endpoint: nowhere")

    with pytest.raises(TransientError, match="ValueError"):
        Wrong().identities().get(REGION, BY_SECRET)


def test_those_who_wait_for_one_identity_share_its_failure() -> None:
    """While STS hangs, or each worker would wait out its time one after the other."""
    entered, release = threading.Event(), threading.Event()

    class Hanging(World):
        def refresh(self) -> dict[str, str]:
            self.refreshes += 1
            entered.set()
            release.wait(10)
            raise EndpointConnectionError(endpoint_url="x")

    world = Hanging()
    identities = world.identities()
    errors: list[SourceError] = []

    def get() -> None:
        try:
            identities.get(REGION, BY_ACCOUNT)
        except SourceError as error:
            errors.append(error)

    threads = [threading.Thread(target=get) for _ in range(5)]
    threads[0].start()
    assert entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    place = identities._places[REGION, BY_ACCOUNT]
    deadline = time.monotonic() + 10
    while sum(thread.is_alive() for thread in threads) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert place.lock.locked()
    release.set()
    for thread in threads:
        thread.join()
    assert world.refreshes == 1
    assert [type(error) for error in errors] == [TransientError] * 5
    assert len({id(error) for error in errors}) == 5, "each raises its own: a traceback belongs to one thread"
    with pytest.raises(TransientError):
        identities.get(REGION, BY_ACCOUNT)
    assert world.refreshes == 2


def test_without_a_cluster_nobody_is_taken_for_the_operator() -> None:
    clients = Clients(workers=1, user_agent="test")
    with pytest.raises(ValueError, match="no cluster"):
        clients.get(REGION, BY_SECRET)
    assert not clients.renew(REGION, OPERATOR, Caller(cast("Any", None), ""))
