"""The owner of the operator's own objects: its ServiceAccount, so that they are deleted with it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from appconfig_operator.kube.connection import in_cluster, own_token

if TYPE_CHECKING:
    from collections.abc import Mapping


def owned_by_service_account(namespace: str) -> dict[str, Any]:
    """Return the metadata that make an object belong to the Pod's ServiceAccount, as its token names it now.

    It costs no call and no permission. Kubernetes then collects Leases, and Secrets with sessions, once the
    ServiceAccount is deleted. Call it for each write: a ServiceAccount that was deleted and created again has another
    uid and, soon, another token, and what belonged to the old one is collected.

    Parameters
    ----------
    namespace
        Where the objects are. An owner has to be in the same namespace.

    Returns
    -------
    dict
        Empty outside a Pod, in another namespace, and when the token does not name the ServiceAccount.

    Notes
    -----
    The private claims of a token that is bound to a Pod: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    """
    claims = _private_claims(own_token()) if in_cluster() else {}
    account = claims.get("serviceaccount")
    if claims.get("namespace") != namespace or not isinstance(account, dict):
        return {}
    name, uid = account.get("name"), account.get("uid")
    if not (name and uid and isinstance(name, str) and isinstance(uid, str)):
        return {}
    return {"ownerReferences": [{"apiVersion": "v1", "kind": "ServiceAccount", "name": name, "uid": uid}]}


def _private_claims(token: str) -> Mapping[str, Any]:
    """Read the claims of Kubernetes in a token. Nothing is verified: it is our own."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""  # noqa: PLR2004 (a JWT has three parts)
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return {}
    private = claims.get("kubernetes.io") if isinstance(claims, dict) else None
    return private if isinstance(private, dict) else {}
