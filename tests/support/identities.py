"""What the tests of identities make in a cluster: rights, ServiceAccounts and Secrets."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.kube.operator_process import NAMESPACE, SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMPONENTS = Path(__file__).parents[2] / "manifests" / "components" / "identities"
EACH = ("service-accounts", "secrets")


def grant(create: Callable[[str, Mapping[str, Any]], object], namespace: str, *components: str) -> None:
    """Return the operator the rights of a component in one namespace, as docs/identities.md has it.

    Parameters
    ----------
    create
        Creates an object in a collection.
    namespace
        Where.
    components
        Which.
    """
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    for component in components:
        objects = yaml.safe_load_all((COMPONENTS / component / "rbac.yaml").read_text(encoding="utf-8"))
        (rules,) = [item["rules"] for item in objects if item["kind"] == "ClusterRole"]
        name = f"appconfig-operator-{component}"
        create(f"{rbac}/roles", {"metadata": {"name": name}, "rules": rules})
        create(
            f"{rbac}/rolebindings",
            {
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}],
            },
        )


def service_account(name: str, role_arn: str | None) -> dict[str, Any]:
    """Make a ServiceAccount with a role."""
    annotations = {"eks.amazonaws.com/role-arn": role_arn} if role_arn else {}
    return {"metadata": {"name": name, "annotations": annotations}}


def secret(name: str, access_key_id: str, secret_access_key: str, session_token: str | None = None) -> dict[str, Any]:
    """Make a Secret with keys."""
    values = {"aws_access_key_id": access_key_id, "aws_secret_access_key": secret_access_key}
    if session_token:
        values["aws_session_token"] = session_token
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"metadata": {"name": name}, "data": data}
