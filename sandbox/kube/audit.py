"""Who asked the API server for what: its audit log."""

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
    # An entry at the answer is enough; a watch has one at its start and one at its end.
    "omitStages": ["RequestReceived"],
    "rules": [
        # The control plane's own requests are most of them, and nobody asks for them.
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager", "system:anonymous"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*", "/metrics"]},
        {"level": "Metadata"},
    ],
}
"""What is logged: every request of everybody but the control plane, without its content."""

_CREDENTIAL = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True)
class Request:
    """A request, as the API server has answered it."""

    user: str
    """Such as ``system:serviceaccount:<namespace>:<name>``, or ``admin``."""
    verb: str
    """Kubernetes' own: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``, ``delete``; or an HTTP one."""
    group: str
    """The API group, empty for the core group."""
    resource: str
    """In the plural, or empty for a path that is no resource."""
    subresource: str
    """Such as ``status``, or empty."""
    namespace: str
    """Empty for what has none, and for requests over all namespaces."""
    name: str
    """Empty for lists, and for a create whose name only the body says."""
    uri: str
    """The path and the query."""
    code: int
    """The HTTP status of the answer."""
    time: float = 0.0
    """When it came, in Unix time."""
    credential: str = ""
    """Which of the user's tokens: the ``jti`` of a ServiceAccount's token, or empty."""


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
        Only requests of this user. Default: of all that are logged.

    Returns
    -------
    list of Request
        In the order of the log, each request once.
    """
    if not log.exists():
        return []
    text = log.read_text(encoding="utf-8")
    # The last line may be in the middle of being written.
    lines = text[: text.rfind("\n") + 1].splitlines()
    wanted = "" if user is None else f'"username":{json.dumps(user)}'
    entries = (json.loads(line) for line in lines if wanted in line)
    # A watch has an entry at its start and at its end, under one id. The first stays.
    once: dict[str, dict[str, Any]] = {}
    for entry in entries:
        once.setdefault(entry["auditID"], entry)
    return [request for request in map(_request, once.values()) if user in {None, request.user}]
