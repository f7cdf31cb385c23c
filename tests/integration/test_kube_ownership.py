"""The operator's own objects go with its ServiceAccount, on a real API server with its garbage collector."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.sharding.lease import Lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, ReplaceLease
from appconfig_operator.kube import connection as module
from appconfig_operator.kube.handovers import Handovers
from appconfig_operator.kube.leases import Leases
from appconfig_operator.kube.ownership import owned_by_service_account
from sandbox import wait_until
from tests.integration.support.handovers import handed_over

if TYPE_CHECKING:
    from pathlib import Path

    from appconfig_operator.kube.api import Api
    from sandbox import ControlPlane
    from sandbox.kube.kubectl import Kubectl

COLLECTED_SECONDS = 30.0


@dataclass
class Pod:
    """What a Pod of the operator has: a ServiceAccount, and a file with its token."""

    control_plane: ControlPlane
    kubectl: Kubectl
    namespace: str
    token: Path

    def make_account(self) -> None:
        self.kubectl("create", "serviceaccount", "operator", "-n", self.namespace)
        # As the kubelet does it.
        self.token.write_text(self.control_plane.service_account_token(self.namespace, "operator"), encoding="ascii")

    def delete_account(self) -> None:
        self.kubectl("delete", "serviceaccount", "operator", "-n", self.namespace)

    def kept(self) -> set[str]:
        return set(self.kubectl("get", "leases,secrets", "-n", self.namespace, "-o", "name").split())


@pytest.fixture
def pod(
    installed: ControlPlane, kubectl: Kubectl, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Pod:
    monkeypatch.setattr(module, "_SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    pod = Pod(installed, kubectl, namespace, tmp_path / "token")
    pod.make_account()
    return pod


@pytest.fixture
def leases(admin_api: Api, namespace: str) -> Leases:
    owned = partial(owned_by_service_account, namespace)
    return Leases(admin_api, namespace, timeout=5.0, utc_now=lambda: datetime.now(UTC), owned=owned)


@pytest.fixture
def store(admin_api: Api, namespace: str) -> Handovers:
    return Handovers(admin_api, namespace, owned=partial(owned_by_service_account, namespace))


def create(leases: Leases, shard: int) -> Lease:
    created = leases.carry_out(CreateLease(Lease(shard_lease(shard), "op-1", 2, 15)))
    assert isinstance(created, Lease)
    return created


def test_leases_and_sessions_go_with_the_service_account(pod: Pod, leases: Leases, store: Handovers) -> None:
    leases.carry_out(ReplaceLease(create(leases, 0)))
    create(leases, 1)
    store.put(0, [handed_over()])
    assert pod.kept() == {
        "lease.coordination.k8s.io/appconfig-operator-shard-0",
        "lease.coordination.k8s.io/appconfig-operator-shard-1",
        "secret/appconfig-operator-sessions-0-0",
    }
    pod.delete_account()
    wait_until(lambda: pod.kept() == set(), COLLECTED_SECONDS, "Leases and Secrets to be collected")


def test_what_is_written_after_the_service_account_was_created_again_stays(
    pod: Pod, leases: Leases, store: Handovers
) -> None:
    before = create(leases, 0)
    pod.delete_account()
    pod.make_account()
    after = create(leases, 1)
    leases.carry_out(ReplaceLease(after))
    store.put(0, [handed_over()])
    gone = f"lease.coordination.k8s.io/{before.name}"
    wait_until(lambda: gone not in pod.kept(), COLLECTED_SECONDS, "what the old one owned to be collected")
    assert pod.kept() == {
        f"lease.coordination.k8s.io/{after.name}",
        "secret/appconfig-operator-sessions-0-0",
    }
