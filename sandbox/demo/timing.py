"""How long each step of a version's delivery took, from the audit log of the API server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.kube.operator_process import USER

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Sync:
    """How the operator wrote one version."""

    began: datetime
    """When its first request reached the API server: the version had arrived."""
    written: datetime
    """When the ConfigMap was written."""
    ended: datetime
    """When the status was written, which is the last required write."""


@dataclass(frozen=True)
class Arrival:
    """How a deployed version got into its ConfigMap. All times are in seconds."""

    deployed: datetime
    """When its deployment was complete."""
    sync: Sync

    @property
    def waited(self) -> float:
        """Seconds until a poll returned it."""
        return max(0.0, (self.sync.began - self.deployed).total_seconds())

    @property
    def wrote_config_map(self) -> float:
        """Seconds from then until it was in the ConfigMap."""
        return (self.sync.written - self.sync.began).total_seconds()

    @property
    def wrote_all(self) -> float:
        """Seconds from then until the status was also written."""
        return (self.sync.ended - self.sync.began).total_seconds()


def sync_after(audit_log: Path, moment: datetime, *, config_map: str, source: str) -> Sync | None:
    """Find how the first version after a moment was written.

    Parameters
    ----------
    audit_log
        The file.
    moment
        When the version was deployed.
    config_map, source
        The names of the ConfigMap and of its AppConfigSource.

    Returns
    -------
    Sync or None
        None if it has not been written yet.
    """
    text = audit_log.read_text(encoding="utf-8")
    began = written = None
    # The last line may be incomplete.
    for line in text[: text.rfind("\n") + 1].splitlines():
        entry = json.loads(line)
        what = entry.get("objectRef", {})
        received = datetime.fromisoformat(entry["requestReceivedTimestamp"])
        if entry["user"]["username"] != USER or received < moment:
            continue
        answered = datetime.fromisoformat(entry["stageTimestamp"])
        if (what.get("resource"), what.get("name")) == ("configmaps", config_map):
            began, written = began or received, answered
        elif began and written and (what.get("subresource"), what.get("name")) == ("status", source):
            return Sync(began, written, answered)
    return None
