"""Clients of botocore: one for each service and region, shared by all identities, and bounded in number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from botocore.credentials import CredentialResolver
from botocore.exceptions import BotoCoreError

from appconfig_operator.aws.accept import negotiate
from appconfig_operator.aws.errors import translate
from appconfig_operator.aws.region import new_session
from appconfig_operator.aws.signing import ActingProvider
from appconfig_operator.core.errors import Reason, TransientError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.session import Session
    from mypy_boto3_appconfigdata import AppConfigDataClient
    from mypy_boto3_sts import STSClient

    from appconfig_operator.aws.calls import Calls

LIMIT = 64
"""Clients that are kept. AWS has some 35 regions. A client takes 1 MB after its first HTTPS call."""


class Regional:
    """Makes and keeps clients. A client is safe to share between threads, making one is not.

    Anyone who can create a source can name any region. So when there are too many clients, those that never got an
    answer are dropped first, and those of healthy sources are not created again at each poll.

    Parameters
    ----------
    config
        For each client.
    calls
        Follows the calls of each.
    """

    def __init__(self, config: Config, calls: Calls) -> None:
        self._config = config
        self._calls = calls
        self._lock = threading.Lock()
        self._session: Session | None = None
        # The next one to drop is at the front: the newest without an answer, or else the one answered longest ago.
        self._clients: OrderedDict[tuple[str, str | None], BaseClient] = OrderedDict()

    def appconfigdata(self, region: str | None) -> AppConfigDataClient:
        """Return the client of the data plane of AppConfig in a region, `None` being the operator's own.

        Raises
        ------
        SourceError
            When there can be none: no region, a broken AWS configuration file.
        """
        return cast("AppConfigDataClient", self._get("appconfigdata", region))

    def sts(self, region: str | None) -> STSClient:
        """Return the client of STS in a region. Raises `SourceError`."""
        return cast("STSClient", self._get("sts", region))

    def answered(self, service: str, region: str | None, client: BaseClient) -> None:
        """Keep a client that got an answer before those that never did."""
        with self._lock:
            self._clients[service, region] = client
            self._clients.move_to_end((service, region))
            self._shrink(LIMIT)

    def _get(self, service: str, region: str | None) -> BaseClient:
        found = self._clients.get((service, region))
        if found is not None:
            return found
        with self._lock:
            found = self._clients.get((service, region))
            if found is None:
                found = self._make(service, region)
                self._shrink(LIMIT - 1)
                self._clients[service, region] = found
                self._clients.move_to_end((service, region), last=False)
            return found

    def _shrink(self, limit: int) -> None:
        # Not closed, because other threads may be in a call. Its connections close with the last reference.
        while len(self._clients) > limit:
            self._clients.popitem(last=False)

    def _make(self, service: str, region: str | None) -> BaseClient:
        session, self._session = self._session or self._new_session(), None
        try:
            made: BaseClient = session.create_client(service, region)
        except BotoCoreError as error:
            raise translate(error) from error
        except ValueError as error:
            raise TransientError(
                Reason.SERVICE_UNAVAILABLE,
                f"The AWS endpoint that is set for {service} is not a URL ({type(error).__name__}). Check "
                f"AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_{service.upper()} on the operator.",
            ) from error
        # Kept only now: a session remembers a configuration file that was broken.
        self._session = session
        return made

    def _new_session(self) -> Session:
        session = new_session()
        session.register_component("credential_provider", CredentialResolver([ActingProvider()]))
        session.set_default_client_config(self._config)
        self._calls.follow(session)
        negotiate(session)
        return session
