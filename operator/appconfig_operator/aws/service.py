"""AWS AppConfig as the engine sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.aws.clients import Clients, Timeouts
from appconfig_operator.aws.errors import Identifiers
from appconfig_operator.aws.session import Session
from appconfig_operator.core.identity import identity_of

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.aws.calls import OnCall
    from appconfig_operator.aws.roles import Cluster


class AppConfig:
    """The AppConfig data plane.

    Parameters
    ----------
    workers
        How many calls there are at once.
    user_agent
        Added to the user agent of each call.
    cluster
        Where the references of identities lead; `None` where there are none.
    timeouts
        Bounds of each call.
    on_call
        Is told of each call, those to STS among them.
    """

    def __init__(
        self,
        *,
        workers: int,
        user_agent: str,
        cluster: Cluster | None = None,
        timeouts: Timeouts | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self._clients = Clients(
            workers=workers, user_agent=user_agent, cluster=cluster, timeouts=timeouts, on_call=on_call
        )

    def session(self, source: Source) -> Session:
        """Prepare a session for a source. No call is made yet."""
        spec = source.spec
        return Session(
            clients=self._clients,
            identifiers=Identifiers(
                application=spec.application,
                environment=spec.environment,
                configuration_profile=spec.configuration_profile,
                poll_interval_seconds=spec.poll_interval_seconds,
            ),
            region=spec.region,
            interval=spec.poll_interval_seconds,
            identity=identity_of(source),
        )
