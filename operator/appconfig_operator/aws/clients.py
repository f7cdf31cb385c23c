"""boto3 clients of the AppConfig data plane: one for each region, shared by all workers."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError

from appconfig_operator.aws.errors import no_credentials, translate

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_appconfigdata import AppConfigDataClient


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
    """Makes and keeps one client a region. A client is safe to share between threads, making one is not.

    Parameters
    ----------
    workers
        How many calls there are at once: the size of each connection pool.
    user_agent
        Added to the user agent, so that CloudTrail tells who called.
    timeouts
        Bounds of each call.
    """

    def __init__(self, *, workers: int, user_agent: str, timeouts: Timeouts | None = None) -> None:
        self.timeouts = timeouts or Timeouts()
        self._lock = threading.Lock()
        self._identity: tuple[boto3.session.Session, Credentials] | None = None
        self._clients: dict[str | None, AppConfigDataClient] = {}
        self._config = Config(
            connect_timeout=self.timeouts.connect,
            read_timeout=self.timeouts.read,
            max_pool_connections=workers,
            # A token is good for one call: a retry inside botocore would send a used one. The scheduler retries.
            retries={"total_max_attempts": 1, "mode": "standard"},
            user_agent_extra=user_agent,
        )

    def get(self, region: str | None) -> AppConfigDataClient:
        """Return the client of a region, `None` being the operator's own, with credentials that are good now.

        Raises
        ------
        SourceError
            When no client can be made, or no credentials be had: no region, a broken AWS configuration file, a role
            that STS refuses.
        """
        with self._lock:
            session, credentials = self._identify()
            client = self._clients.get(region)
            if client is None:
                client = self._make(session, region)
                self._clients[region] = client
        try:
            # Signing would do it too. Done here, a failure is known to be one of credentials, and nothing was sent.
            credentials.get_frozen_credentials()
        except Exception as error:
            raise no_credentials(error) from error
        return client

    def _identify(self) -> tuple[boto3.session.Session, Credentials]:
        """Find the operator's credentials. What is kept is only what was found, so what comes later is found later."""
        if self._identity is not None:
            return self._identity
        try:
            core = botocore.session.get_session()
            # For the calls to STS as well, which botocore makes by itself: its own time-out is 60 s, five times over.
            core.set_default_client_config(self._config)
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
