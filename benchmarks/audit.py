"""Requests to the API server, with their times, read from its growing audit log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_LISTS = frozenset({"list", "watch"})

# The operator's communication with its other replicas: Leases, and the Secrets that hand over sessions.
_BETWEEN_REPLICAS = frozenset({"leases", "secrets"})

# A create that writes nothing: at startup, an operator asks what it is allowed to see of others.
_REVIEWS = "selfsubjectaccessreviews"


class Request(NamedTuple):
    """One answered request, or a watch when it was opened."""

    answered: float
    """Unix time in seconds."""
    verb: str
    """A verb of Kubernetes: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``, ``delete``."""
    resource: str
    """In the plural, with its subresource after a slash; empty for a path that is not a resource."""
    name: str
    """Empty for lists, and for a create, which has the name only in its body."""
    code: int
    """The HTTP status."""
    uri: str
    """The path and the query."""

    @property
    def succeeded(self) -> bool:
        """Whether it succeeded."""
        return 200 <= self.code < 300  # noqa: PLR2004 (HTTP: success)

    @property
    def _between_replicas(self) -> bool:
        return self.resource.partition("/")[0] in _BETWEEN_REPLICAS

    @property
    def write(self) -> bool:
        """Whether it writes, except for communication between replicas."""
        return self.verb in _WRITES and not self._between_replicas and self.resource != _REVIEWS

    @property
    def handed_over(self) -> bool:
        """Whether it writes for communication between replicas."""
        return self.verb in _WRITES and self._between_replicas

    @property
    def read(self) -> bool:
        """Whether it reads one object: neither a list nor a watch, nor communication between replicas."""
        return bool(self.resource) and self.verb not in _WRITES | _LISTS and not self._between_replicas


class AuditLog:
    """The requests of one user, each returned once.

    Parameters
    ----------
    path
        The file: an entry in JSON on each line.
    user
        The user.
    """

    def __init__(self, path: Path, user: str) -> None:
        self._path = path
        self._user = user
        self._mark = f'"username":{json.dumps(user)}'.encode()
        self._offset = 0

    def read(self) -> list[Request]:
        """Return the requests since the last read."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        # The last line may be incomplete.
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        entries = (json.loads(line) for line in text.splitlines() if self._mark in line)
        return [_request(entry) for entry in entries if entry["user"]["username"] == self._user and _counts(entry)]


def _counts(entry: dict[str, Any]) -> bool:
    """Return which entry of a request counts: a watch has one at its start and one at its end."""
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
