"""When the operator did what, from the audit log of the API server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.operator_process import USER

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Sync:
    """How the operator wrote one version."""

    began: datetime
    """When its first request reached the API server: the version had arrived."""
    ended: datetime
    """When the status was written, which is the last that has to be."""


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
        None while it is not there yet.
    """
    text = audit_log.read_text(encoding="utf-8")
    began = None
    # The last line may be in the middle of being written.
    for line in text[: text.rfind("\n") + 1].splitlines():
        entry = json.loads(line)
        what = entry.get("objectRef", {})
        received = datetime.fromisoformat(entry["requestReceivedTimestamp"])
        if entry["user"]["username"] != USER or received < moment:
            continue
        if (what.get("resource"), what.get("name")) == ("configmaps", config_map):
            began = began or received
        elif began and (what.get("subresource"), what.get("name")) == ("status", source):
            return Sync(began, datetime.fromisoformat(entry["stageTimestamp"]))
    return None
