"""AppConfig as the operator has it, led to a server of the sandbox."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from appconfig_operator.aws.clients import Timeouts
from appconfig_operator.aws.service import AppConfig
from sandbox.aws.appconfig import Place
from tests.support.builders import source, spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from appconfig_operator.aws.session import Session
    from appconfig_operator.core.sharding.handover import SavedSession

IMPATIENT = Timeouts(connect=3, read=2, body=2)


def lead(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    """Let boto3 see these variables of AWS, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def new_place() -> Place:
    """Name a place that nobody else uses."""
    return Place(f"app-{uuid.uuid4().hex[:8]}", "production", "checkout")


def session(
    place: Place, timeouts: Timeouts | None = None, saved: SavedSession | None = None, **changes: Any
) -> Session:
    """Prepare a session for a place, or go on with one."""
    named = {
        "application": place.application,
        "environment": place.environment,
        "configuration_profile": place.profile,
    }
    # Quotas that nobody meets: a poll right after a throttled one would have to wait.
    service = AppConfig(workers=2, user_agent="test", timeouts=timeouts, quota_percent=100_000_000)
    return service.session(source(spec=spec(**named | changes)), saved)
