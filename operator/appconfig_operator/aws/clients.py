"""Who calls AppConfig, and with which client: the two are separate, so identities share the clients of a region."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic as system_monotonic
from typing import TYPE_CHECKING

import boto3
import botocore
from botocore.config import Config

from appconfig_operator.aws.caller_pool import CallerPool
from appconfig_operator.aws.calls import Calls
from appconfig_operator.aws.operator_credentials import OwnCredentials
from appconfig_operator.aws.regional import Regional
from appconfig_operator.aws.roles import Roles
from appconfig_operator.core.identity import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials
    from mypy_boto3_appconfigdata import AppConfigDataClient

    from appconfig_operator.aws.calls import OnCall
    from appconfig_operator.aws.roles import IdentityLookup
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
        For the whole of a configuration: `read` restarts with each byte, so a trickle would hold a worker forever.
    """

    connect: float = 3.0
    read: float = 10.0
    body: float = 30.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and the client to call with. `account` is empty when it is unknown."""

    client: AppConfigDataClient
    name: str
    account: str = ""
    credentials: ReadOnlyCredentials | None = field(default=None, repr=False)


class Clients:
    """Gives out callers. Safe to share between threads, none of which waits for a call of another.

    Parameters
    ----------
    workers
        The most calls at once: the size of each connection pool.
    user_agent
        The start of the user agent, so that CloudTrail shows who called.
    identities
        Where the references of identities lead; `None` where there are none.
    timeouts
        Bounds of each call.
    on_call
        Is notified of each call, including those to STS.
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
        identities: IdentityLookup | None = None,
        timeouts: Timeouts | None = None,
        on_call: OnCall | None = None,
        monotonic: Callable[[], float] = system_monotonic,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        calls = Calls(on_call, monotonic)
        self._config = Config(
            connect_timeout=self.timeouts.connect,
            read_timeout=self.timeouts.read,
            max_pool_connections=workers,
            # A token is good for one call: a retry inside botocore would send a used one. The scheduler retries.
            retries={"total_max_attempts": 1, "mode": "standard"},
            # As a fixed text: botocore puts its own together for each call, which is 4 % of an unchanged poll.
            user_agent=f"{user_agent} Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
            # The CRD has validated everything that is sent, and AWS validates it again.
            parameter_validation=False,
            # "auto" in the environment would have each client look for the instance metadata service.
            defaults_mode="legacy",  # type: ignore[arg-type] # it is a text, whatever the stubs have
        )
        self._regional = Regional(self._config, calls)
        self._own = OwnCredentials(self._config, calls, monotonic)
        self._pool: CallerPool | None = None
        if identities is not None:
            roles = Roles(identities=identities, regional=self._regional, utc_now=utc_now)
            self._pool = CallerPool(identities=identities, roles=roles, own=self._own.get, monotonic=monotonic)

    def get(self, region: str | None, identity: Identity = OPERATOR) -> Caller:
        """Return who calls in a region, `None` being the operator's own, with valid credentials.

        Raises
        ------
        SourceError
            When no client can be made, or no credentials are available: no region, a broken AWS configuration file, a
            role that STS refuses, a Secret that does not exist.
        BusyError
            When another thread is getting the credentials.
        """
        client = self._regional.appconfigdata(region)
        # Signing would get credentials as well. When they fail here, it is known that nothing was sent.
        if identity.is_operator:
            own = self._own.get()
            return Caller(client, str(OPERATOR), own.account_id or "", own)
        other = self._others().get(region, identity)
        return Caller(client, other.name, other.account, other.credentials)

    def answered(self, region: str | None, client: AppConfigDataClient) -> None:
        """Note that there is an AppConfig in that region."""
        self._regional.answered("appconfigdata", region, client)

    def renew(self, region: str | None, identity: Identity, refused: Caller) -> bool:
        """Renew the credentials of a caller that AWS has refused, unless that was done a moment ago.

        Returns
        -------
        bool
            Whether `get` now gives another caller. Never for the operator's own, which botocore looks after.
        """
        return not identity.is_operator and self._others().renew(region, identity, refused.credentials)

    def _others(self) -> CallerPool:
        if self._pool is None:
            raise ValueError("There is no cluster to look for identities in")
        return self._pool
