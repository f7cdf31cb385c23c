"""The Leases of operators in all namespaces, where this one is allowed to list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.core.sharding.lease import SELECTOR
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appconfig_operator.kube.api import Api

_GROUP = "coordination.k8s.io"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class OtherLeases:
    """Leases that are listed at the start. Without the permission, nothing else changes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def visible(self) -> bool:
        """Ask whether the operator may list them: a refused request would look like an intrusion in an audit log.

        Raises
        ------
        ApiError, UnreachableError
            When the API server does not say.
        """
        wanted = {"group": _GROUP, "resource": "leases", "verb": "list"}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": wanted},
        }
        return (self._api.call("POST", _REVIEWS, body=review).get("status") or {}).get("allowed") is True

    def list(self) -> Sequence[dict[str, Any]]:
        """List them, from the API server's cache: a little late is soon enough, and cheap with thousands of nodes.

        Raises
        ------
        ApiError, UnreachableError
            When they are unavailable.
        """
        query = {"labelSelector": SELECTOR, "resourceVersion": "0"}
        found: Sequence[dict[str, Any]] | None = self._api.call("GET", resource_path("leases", ""), query=query).get(
            "items"
        )
        return found or []
