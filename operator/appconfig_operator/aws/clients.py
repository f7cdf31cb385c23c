"""boto3 clients of the AppConfig data plane: one for each region and identity, shared by all workers."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic as system_monotonic
from typing import TYPE_CHECKING

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError

from appconfig_operator.aws.calls import Calls
from appconfig_operator.aws.credential_errors import no_credentials
from appconfig_operator.aws.errors import translate
from appconfig_operator.aws.identities import Caller, Identities
from appconfig_operator.aws.region import new_session
from appconfig_operator.aws.roles import Roles
from appconfig_operator.core.identity import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import Credentials
    from mypy_boto3_appconfigdata import AppConfigDataClient

    from appconfig_operator.aws.calls import OnCall
    from appconfig_operator.aws.roles import Cluster
    from appconfig_operator.core.identity import Identity


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds of one call, in seconds.

    Attributes
    ----------
    connect
        Until there is a connection.
    read
        Until the next byte arrives.
    body
        For the whole of a configuration: `read` starts anew with each byte, so a trickle would hold a worker for ever.
    """

    connect: float = 3.0
    read: float = 10.0
    body: float = 30.0


class Clients:
    """Makes and keeps one client for each region and identity. A client is safe to share, making one is not.

    Parameters
    ----------
    workers
        How many calls there are at once: the size of each connection pool.
    user_agent
        The start of the user agent, so that CloudTrail tells who called.
    cluster
        Where the references of identities lead; `None` where there are none.
    timeouts
        Bounds of each call.
    on_call
        Is told of each call, those to STS among them.
    monotonic
        Seconds, for the age of what was read in the cluster, and for how long calls take.
    utc_now
        Wall clock, for the age of credentials.
    """

    def __init__(  # noqa: PLR0913 (the seams of the world, all by name)
        self,
        *,
        workers: int,
        user_agent: str,
        cluster: Cluster | None = None,
        timeouts: Timeouts | None = None,
        on_call: OnCall | None = None,
        monotonic: Callable[[], float] = system_monotonic,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._calls = Calls(on_call, monotonic)
        self._lock = threading.Lock()
        self._identity: tuple[boto3.session.Session, Credentials] | None = None
        self._clients: dict[str | None, AppConfigDataClient] = {}
        self._config = Config(
            connect_timeout=self.timeouts.connect,
            read_timeout=self.timeouts.read,
            max_pool_connections=workers,
            # A token is good for one call: a retry inside botocore would send a used one. The scheduler retries.
            retries={"total_max_attempts": 1, "mode": "standard"},
            # As a fixed text: botocore puts its own together for each call, which is 4 % of an unchanged poll.
            user_agent=f"{user_agent} Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
            # The CRD has validated all that is sent, and AWS does so again.
            parameter_validation=False,
        )
        self._identities: Identities | None = None
        if cluster is not None:
            roles = Roles(cluster=cluster, config=self._config, calls=self._calls, utc_now=utc_now)
            self._identities = Identities(cluster=cluster, roles=roles, own=lambda: self._own()[1], monotonic=monotonic)

    def get(self, region: str | None, identity: Identity = OPERATOR) -> Caller:
        """Return who calls in a region, `None` being the operator's own, with credentials that are good now.

        Raises
        ------
        SourceError
            When no client can be made, or no credentials be had: no region, a broken AWS configuration file, a role
            that STS refuses, a Secret that does not exist.
        """
        if identity.is_operator:
            return self._own_caller(region)
        return self._others().get(region, identity)

    def renew(self, region: str | None, identity: Identity, refused: Caller) -> bool:
        """Make the credentials of a caller anew that AWS has refused, unless that was done a moment ago.

        Returns
        -------
        bool
            Whether `get` now gives another caller. Never for the operator's own, which botocore looks after.
        """
        return not identity.is_operator and self._others().renew(region, identity, refused)

    def _others(self) -> Identities:
        if self._identities is None:
            raise ValueError("There is no cluster to look for identities in")
        return self._identities

    def _own_caller(self, region: str | None) -> Caller:
        session, credentials = self._own()
        with self._lock:
            client = self._clients.get(region)
            if client is None:
                client = self._make(session, region)
                self._clients[region] = client
        try:
            # Signing would do it too. Done here, a failure is known to be one of credentials, and nothing was sent.
            frozen = credentials.get_frozen_credentials()
        except Exception as error:
            raise no_credentials(error) from error
        return Caller(client, str(OPERATOR), frozen.account_id or "")

    def _own(self) -> tuple[boto3.session.Session, Credentials]:
        """Find the operator's credentials. What is kept is only what was found, so what comes later is found later."""
        with self._lock:
            if self._identity is not None:
                return self._identity
            try:
                core = new_session()
                # For the calls to STS as well, which botocore makes by itself: its own time-out is 60 s, five times
                # over.
                core.set_default_client_config(self._config)
                self._calls.follow(core)
                session = boto3.session.Session(botocore_session=core)
                credentials = session.get_credentials()
            except Exception as error:
                raise no_credentials(error) from error
            if credentials is None:
                raise no_credentials(NoCredentialsError())
            self._identity = session, credentials
            return self._identity

    @staticmethod
    def _make(session: boto3.session.Session, region: str | None) -> AppConfigDataClient:
        try:
            return session.client("appconfigdata", region_name=region)
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint URL that is none
            raise translate(error) from error
