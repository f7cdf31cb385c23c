"""The policy, checked before the service: a source that no rule allows makes no call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from appconfig_operator.core.errors import StallingError

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.policy import Policy
    from appconfig_operator.core.sharding.handover import SavedSession
    from appconfig_operator.engine.ports import ConfigurationService, ConfigurationSession


@dataclass(slots=True)
class ForbiddenSession:
    """Replaces the session of a source that the policy does not allow."""

    interval: int
    error: StallingError

    def poll(self) -> NoReturn:
        """Raise what the policy said."""
        raise self.error.copy()

    def save(self) -> None:
        """Return nothing: there is no token."""


class PolicyGuard:
    """A service for the sources that the policy allows.

    Parameters
    ----------
    service
        Where sessions come from.
    policy
        The rules.
    """

    def __init__(self, service: ConfigurationService, policy: Policy) -> None:
        self._service = service
        self._policy = policy

    def session(self, source: Source, saved: SavedSession | None = None) -> ConfigurationSession:
        """Prepare or continue a session, or return a `ForbiddenSession`."""
        try:
            self._policy.check(source)
        except StallingError as error:
            return ForbiddenSession(interval=source.spec.poll_interval_seconds, error=error.copy())
        return self._service.session(source, saved)
