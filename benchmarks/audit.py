"""Requests at the API server, with their times: its audit log, read as it grows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_LISTS = frozenset({"list", "watch"})

# The operator's talk with its other replicas: Leases, and the Secrets that hand sessions over.
_BETWEEN_REPLICAS = frozenset({"leases", "secrets"})

# A create that writes nothing: what an operator may see of others, it asks at its start.
_REVIEWS = "selfsubjectaccessreviews"


class Request(NamedTuple):
    """One request that was answered; a watch when it was opened."""

    answered: float
    """Unix time in seconds."""
    verb: str
    """Kubernetes' own: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``, ``delete``."""
    resource: str
    """In the plural, with its subresource behind a slash; empty for a path that is no resource."""
    name: str
    """Empty for lists, and for a create whose name only the body says."""
    code: int
    """The HTTP status."""
    uri: str
    """Path and query."""

    @property
    def succeeded(self) -> bool:
        """Whether it was answered with success."""
        return 200 <= self.code < 300  # noqa: PLR2004 (HTTP: success)

    @property
    def _between_replicas(self) -> bool:
        return self.resource.partition("/")[0] in _BETWEEN_REPLICAS

    @property
    def write(self) -> bool:
        """Whether it writes, other than to the operator's replicas."""
        return self.verb in _WRITES and not self._between_replicas and self.resource != _REVIEWS

    @property
    def handed_over(self) -> bool:
        """Whether it writes to the operator's replicas."""
        return self.verb in _WRITES and self._between_replicas

    @property
    def read(self) -> bool:
        """Whether it reads one object: neither a list nor a watch, nor what the replicas tell each other."""
        return bool(self.resource) and self.verb not in _WRITES | _LISTS and not self._between_replicas


class AuditLog:
    """The requests of one user, each told once.

    Parameters
    ----------
    path
        The file: an entry in JSON on each line.
    user
        Whose requests.
    """

    def __init__(self, path: Path, user: str) -> None:
        self._path = path
        self._user = user
        self._mark = f'"username":{json.dumps(user)}'.encode()
        self._offset = 0

    def read(self) -> list[Request]:
        """Give what has come since the last read."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        # The last line may be in the middle of being written.
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        entries = (json.loads(line) for line in text.splitlines() if self._mark in line)
        return [_request(entry) for entry in entries if entry["user"]["username"] == self._user and _counts(entry)]


def _counts(entry: dict[str, Any]) -> bool:
    """Tell which entry of a request counts: a watch has one at its start and one at its end."""
    return bool((entry["stage"] == "ResponseStarted") == (entry["verb"] == "watch"))


def _request(entry: dict[str, Any]) -> Request:
    reference = entry.get("objectRef", {})
    parts = (reference.get("resource", ""), reference.get("subresource", ""))
    return Request(
        answered=datetime.fromisoformat(entry["stageTimestamp"]).timestamp(),
        verb=entry["verb"],
        resource="/".join(part for part in parts if part),
        name=reference.get("name", ""),
        code=entry.get("responseStatus", {}).get("code", 0),
        uri=entry["requestURI"],
    )
