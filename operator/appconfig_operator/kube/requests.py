"""What a call of the Kubernetes API is about, in the terms of RBAC: a verb and a resource. For counting."""

from __future__ import annotations

from typing import Protocol

OTHER = "other"

RESOURCES = frozenset(
    {
        "appconfigsources",
        "appconfigsources/status",
        "configmaps",
        "controllerrevisions",
        "events",
        "leases",
        "secrets",
        "serviceaccounts",
        "serviceaccounts/token",
    }
)
"""Those that the operator uses. All others count as one, so that their number is bounded."""


class OnRight(Protocol):
    """Is notified of each call whether it was authorized, where that shows."""

    def __call__(self, verb: str, resource: str, namespace: str, *, allowed: bool) -> None:
        """Take in a call: as in RBAC, and without a namespace for all of them."""


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def described(method: str, path: str, *, watch: bool = False) -> tuple[str, str]:
    """Return verb and resource of a call.

    Parameters
    ----------
    method
        The HTTP method, in capitals.
    path
        Of the URL, without the query.
    watch
        Whether the answer is a stream of changes.
    """
    parts = path.split("/")
    # /api/v1/… or /apis/GROUP/VERSION/…
    rest = parts[3:] if parts[1] == "api" else parts[4:]
    if len(rest) > 2 and rest[0] == "namespaces":  # noqa: PLR2004 (namespaces, NAME, and what is in it)
        rest = rest[2:]
    kind = "/".join(rest[:1] + rest[2:3])
    return _verb(method, named=len(rest) > 1, watch=watch), kind if kind in RESOURCES else OTHER


def namespace_of(path: str) -> str:
    """Return the namespace in the path of a URL, empty where there is none."""
    parts = path.split("/")
    rest = parts[3:] if parts[1] == "api" else parts[4:]
    return rest[1] if len(rest) > 2 and rest[0] == "namespaces" else ""  # noqa: PLR2004 (as above)


def _verb(method: str, *, named: bool, watch: bool) -> str:
    if method != "GET":
        return _VERBS.get(method, OTHER)
    if watch:
        return "watch"
    return "get" if named else "list"
