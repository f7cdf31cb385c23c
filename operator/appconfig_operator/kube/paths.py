"""Where the API server has a resource."""

from __future__ import annotations

from appconfig_operator.api.v1alpha1 import API_VERSION, PLURAL

_ROOTS = {
    PLURAL: f"/apis/{API_VERSION}",
    "configmaps": "/api/v1",
    "controllerrevisions": "/apis/apps/v1",
    "events": "/apis/events.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "secrets": "/api/v1",
    "serviceaccounts": "/api/v1",
}


def resource_path(resource: str, namespace: str, *names: str) -> str:
    """Return the path of a resource in the URLs of the API.

    Parameters
    ----------
    resource
        Its plural.
    namespace
        Where it is, empty for everywhere.
    names
        The name of one object, and a subresource of it. Without, it is the collection.
    """
    scope = ("namespaces", namespace) if namespace else ()
    return "/".join((_ROOTS[resource], *scope, resource, *names))
