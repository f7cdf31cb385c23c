"""boto3 clients of the AppConfig data plane: one for each region, shared by all workers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError

from appconfig_operator.aws.errors import translate

if TYPE_CHECKING:
    from mypy_boto3_appconfigdata import AppConfigDataClient

CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 10


class Clients:
    """Makes and keeps one client a region. A client is safe to share between threads, making one is not.

    Parameters
    ----------
    workers
        How many calls there are at once: the size of each connection pool.
    user_agent
        Added to the user agent, so that CloudTrail tells who called.
    """

    def __init__(self, *, workers: int, user_agent: str) -> None:
        self._lock = threading.Lock()
        self._session: boto3.session.Session | None = None
        self._clients: dict[str | None, AppConfigDataClient] = {}
        self._config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            max_pool_connections=workers,
            # A token is good for one call: a retry inside botocore would send a used one. The scheduler retries.
            retries={"total_max_attempts": 1, "mode": "standard"},
            user_agent_extra=user_agent,
        )

    def get(self, region: str | None) -> AppConfigDataClient:
        """Return the client of a region, `None` being the operator's own.

        Raises
        ------
        SourceError
            When no client can be made: no region, a broken AWS configuration file.
        """
        with self._lock:
            client = self._clients.get(region)
            if client is None:
                client = self._make(region)
                self._clients[region] = client
            return client

    def _make(self, region: str | None) -> AppConfigDataClient:
        try:
            if self._session is None:
                self._session = boto3.session.Session()
            client = self._session.client("appconfigdata", region_name=region, config=self._config)
            # A client made without credentials never looks for them again, so it must not be kept.
            if self._session.get_credentials() is None:
                raise NoCredentialsError
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint URL that is none
            raise translate(error) from error
        return client
