"""The audit log of the API server: who requested what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # One entry per answer is enough; a watch has one at its start and one at its end.
    "omitStages": ["RequestReceived"],
    "rules": [
        # Most requests are the control plane's own, and no test needs them.
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager", "system:anonymous"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*", "/metrics"]},
        {"level": "Metadata"},
    ],
}
"""What is logged: every request, except those of the control plane, without its content."""

_CREDENTIAL = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True)
class Request:
    """A request, and the API server's answer."""

    user: str
    """Such as ``system:serviceaccount:<namespace>:<name>``, or ``admin``."""
    verb: str
    """A verb of Kubernetes: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``, ``delete``; or of HTTP."""
    group: str
    """The API group, empty for the core group."""
    resource: str
    """In the plural, or empty for a path that is not a resource."""
    subresource: str
    """Such as ``status``, or empty."""
    namespace: str
    """Empty for cluster-wide resources, and for requests across all namespaces."""
    name: str
    """Empty for lists, and for a create, which has the name only in its body."""
    uri: str
    """The path and the query."""
    code: int
    """The HTTP status of the answer."""
    time: float = 0.0
    """When it arrived, in Unix time."""
    credential: str = ""
    """The user's token: the ``jti`` of a ServiceAccount's token, or empty."""


def _request(entry: dict[str, Any]) -> Request:
    reference = entry.get("objectRef", {})
    return Request(
        user=entry["user"]["username"],
        verb=entry["verb"],
        group=reference.get("apiGroup", ""),
        resource=reference.get("resource", ""),
        subresource=reference.get("subresource", ""),
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        uri=entry["requestURI"],
        code=entry.get("responseStatus", {}).get("code", 0),
        time=datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp(),
        credential=entry["user"].get("extra", {}).get(_CREDENTIAL, [""])[0].removeprefix("JTI="),
    )


def read_requests(log: Path, user: str | None = None) -> list[Request]:
    """Read an audit log.

    Parameters
    ----------
    log
        The file: an entry in JSON on each line. Missing: no entries.
    user
        Only requests from this user. Default: all that are logged.

    Returns
    -------
    list of Request
        In the order of the log, each request once.
    """
    if not log.exists():
        return []
    text = log.read_text(encoding="utf-8")
    # The last line may be incomplete.
    lines = text[: text.rfind("\n") + 1].splitlines()
    wanted = "" if user is None else f'"username":{json.dumps(user)}'
    entries = (json.loads(line) for line in lines if wanted in line)
    # A watch has an entry at its start and at its end, with the same ID. The first one counts.
    once: dict[str, dict[str, Any]] = {}
    for entry in entries:
        once.setdefault(entry["auditID"], entry)
    return [request for request in map(_request, once.values()) if user in {None, request.user}]
