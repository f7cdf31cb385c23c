"""What the operator keeps for itself goes with its ServiceAccount, on a real API server with its garbage collector."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from appconfig_operator.core.lease import Lease, shard_lease
from appconfig_operator.core.lease_requests import CreateLease, ReplaceLease
from appconfig_operator.kube import api as module
from appconfig_operator.kube.handovers import Handovers
from appconfig_operator.kube.leases import Leases
from appconfig_operator.kube.ownership import service_account
from sandbox import wait_until
from tests.integration.test_kube_handovers import handed_over

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from appconfig_operator.kube.api import Api
    from sandbox import ControlPlane
    from sandbox.kubectl import Kubectl

KEPT = "leases,secrets"


def kept(kubectl: Kubectl, namespace: str) -> set[str]:
    return set(kubectl("get", KEPT, "-n", namespace, "-o", "name").split())


def test_leases_and_sessions_go_with_the_service_account(  # noqa: PLR0913, PLR0917 - as pytest hands them in
    installed: ControlPlane,
    admin_api: Api,
    kubectl: Kubectl,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubectl("create", "serviceaccount", "operator", "-n", namespace)
    # As in a Pod: the token tells who it is of.
    (tmp_path / "token").write_text(installed.service_account_token(namespace, "operator"), encoding="ascii")
    monkeypatch.setattr(module, "_SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    owner = service_account(namespace)
    assert owner is not None

    leases = Leases(admin_api, namespace, timeout=5.0, utc_now=lambda: datetime.now(UTC), owner=owner)
    for shard in range(2):
        created = leases.carry_out(CreateLease(Lease(shard_lease(shard), "op-1", 2, 15)))
    assert isinstance(created, Lease)
    leases.carry_out(ReplaceLease(created))
    Handovers(admin_api, namespace, owner=owner).put(0, [handed_over()])
    assert kept(kubectl, namespace) == {
        "lease.coordination.k8s.io/appconfig-operator-shard-0",
        "lease.coordination.k8s.io/appconfig-operator-shard-1",
        "secret/appconfig-operator-sessions-0-0",
    }

    kubectl("delete", "serviceaccount", "operator", "-n", namespace)
    wait_until(lambda: kept(kubectl, namespace) == set(), 30, "Leases and Secrets to be collected")
