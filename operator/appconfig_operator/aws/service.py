"""AWS AppConfig as the engine sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.aws.breakers import Breakers
from appconfig_operator.aws.clients import Clients, Timeouts
from appconfig_operator.aws.errors import Identifiers
from appconfig_operator.aws.rate_limits import RateLimits
from appconfig_operator.aws.session import Session
from appconfig_operator.core.identity import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.aws.calls import OnCall
    from appconfig_operator.aws.roles import IdentityLookup
    from appconfig_operator.core.sharding.handover import SavedSession


class AppConfig:
    """The AppConfig data plane.

    Parameters
    ----------
    workers
        The most calls at once.
    user_agent
        Added to the user agent of each call.
    quota_percent
        How much of AppConfig's default quotas all replicas together use at most.
    identities
        Where the references of identities lead; `None` where there are none.
    timeouts
        Bounds of each call.
    on_call
        Is notified of each call, including those to STS.
    on_pause
        Is notified of each poll that was not made because an endpoint does not answer.
    replicas
        Returns how many of them there are now.
    """

    def __init__(  # noqa: PLR0913 (the seams of the world, all by name)
        self,
        *,
        workers: int,
        user_agent: str,
        quota_percent: int = 100,
        identities: IdentityLookup | None = None,
        timeouts: Timeouts | None = None,
        on_call: OnCall | None = None,
        on_pause: Callable[[], None] = lambda: None,
        replicas: Callable[[], int] = lambda: 1,
    ) -> None:
        self._clients = Clients(
            workers=workers, user_agent=user_agent, identities=identities, timeouts=timeouts, on_call=on_call
        )
        self._limits = RateLimits(percent=quota_percent, replicas=replicas)
        self._breakers = Breakers(on_pause=on_pause)

    def paused(self) -> int:
        """Count the endpoints that calls are paused to, for each namespace and identity."""
        return self._breakers.open()

    def session(self, source: Source, saved: SavedSession | None = None) -> Session:
        """Prepare a session for a source, or continue with one of another replica. No call is made yet."""
        spec = source.spec
        session = Session(
            clients=self._clients,
            limits=self._limits,
            identifiers=Identifiers(
                application=spec.application,
                environment=spec.environment,
                configuration_profile=spec.configuration_profile,
                poll_interval_seconds=spec.poll_interval_seconds,
            ),
            region=spec.region,
            interval=spec.poll_interval_seconds,
            identity=identity_of(source),
            breakers=self._breakers,
            namespace=source.namespace,
            rules=spec.wants_rules,
        )
        if saved is not None:
            session.restore(saved)
        return session
