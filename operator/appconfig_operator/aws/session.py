"""An AppConfig session: single-use tokens, and what they ask of a client.

Source of the rules: the AWS AppConfig API reference, StartConfigurationSession and GetLatestConfiguration
(https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations_AWS_AppConfig_Data.html).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from appconfig_operator.aws.answers import contained, read
from appconfig_operator.aws.errors import NOT_SENT, Identifiers, TokenProblem, not_aws, token_problem, translate
from appconfig_operator.core.content import Content
from appconfig_operator.core.errors import Reason, StallingError, TooEarlyError, TransientError, WaitingError
from appconfig_operator.core.identity import OPERATOR

if TYPE_CHECKING:
    from mypy_boto3_appconfigdata import AppConfigDataClient
    from mypy_boto3_appconfigdata.type_defs import GetLatestConfigurationResponseTypeDef

    from appconfig_operator.aws.clients import Clients
    from appconfig_operator.aws.identities import Caller
    from appconfig_operator.core.identity import Identity

_SHORTEST_INTERVAL_SECONDS = 1
"""Whatever is answered: AWS never sends less than 15, and with 0 there would be no pause at all."""


@dataclass(slots=True)
class Session:
    """One AppConfig session of one source. Used by one thread at a time.

    Parameters
    ----------
    clients
        Where the client of the region comes from.
    identifiers
        What the session is for.
    region
        AWS region, or `None` for the operator's own.
    identity
        Who calls.
    interval
        Seconds until the next poll is welcome: at first what the user asked for, then what the service answers.
    """

    clients: Clients = field(repr=False)
    identifiers: Identifiers
    region: str | None
    interval: int
    identity: Identity = OPERATOR
    _caller: str = ""
    _token: str | None = field(default=None, repr=False)
    _delivered: bool = False
    _version_label: str = ""

    def poll(self) -> Content | None:
        """Ask for the latest configuration, in a new session where there is none yet.

        Returns
        -------
        Content or None
            `None` when this session has the latest version already.

        Raises
        ------
        WaitingError
            `NotDeployed`, when nothing is deployed.
        TooEarlyError
            When the service wants the interval kept. The token is still good.
        SourceError
            Any other of what `translate` tells.
        """
        caller = self.clients.get(self.region, self.identity)
        try:
            return self._poll(caller)
        except StallingError as error:
            if error.reason != Reason.ACCESS_DENIED or not self.clients.renew(self.region, self.identity, caller):
                raise
        # What the credentials begin with may have changed since: once more, with new ones. A token of the old ones may
        # belong to another account.
        self._token = None
        return self._poll(self.clients.get(self.region, self.identity))

    def _poll(self, caller: Caller) -> Content | None:
        client = caller.client
        self._caller = caller.name
        response = self._latest(client, self._token or self._start(client))
        if response is None:  # the token had gone bad: a new session, at once
            response = self._latest(client, self._start(client))
        if response is None:
            raise TransientError(Reason.SERVICE_UNAVAILABLE, "AWS AppConfig refused the token of a new session.")
        return self._received(response)

    def _start(self, client: AppConfigDataClient) -> str:
        """Begin anew: what an earlier session delivered, this one delivers again."""
        try:
            with contained():
                started = client.start_configuration_session(
                    ApplicationIdentifier=self.identifiers.application,
                    EnvironmentIdentifier=self.identifiers.environment,
                    ConfigurationProfileIdentifier=self.identifiers.configuration_profile,
                    RequiredMinimumPollIntervalInSeconds=self.identifiers.poll_interval_seconds,
                )
        except (ClientError, BotoCoreError) as error:
            raise translate(error, self.identifiers, self._caller) from error
        token = started.get("InitialConfigurationToken")
        if not token:
            raise not_aws()
        self._token = token
        self._delivered = False
        self._version_label = ""
        return token

    def _latest(
        self, client: AppConfigDataClient, token: str
    ) -> tuple[GetLatestConfigurationResponseTypeDef, bytes] | None:
        """Call once. `None` means that the service takes no call with this token any more."""
        try:
            with contained():
                response = client.get_latest_configuration(ConfigurationToken=token)
                body = read(response["Configuration"], self.clients.timeouts.body)
        except ClientError as error:
            match token_problem(error):
                case TokenProblem.BAD:
                    self._token = None
                    return None
                case TokenProblem.TOO_EARLY:
                    raise TooEarlyError from error
                case _:
                    translated = translate(error, self.identifiers, self._caller)
                    if translated.reason == Reason.NOT_FOUND:
                        # Something of this name may be made anew, with another ID: the next session looks it up.
                        self._token = None
                    raise translated from error
        except NOT_SENT as error:
            raise translate(error, self.identifiers, self._caller) from error
        except BotoCoreError as error:
            # Lost half-way: nobody knows whether the token was used.
            self._token = None
            raise translate(error, self.identifiers, self._caller) from error
        return response, body

    def _received(self, latest: tuple[GetLatestConfigurationResponseTypeDef, bytes]) -> Content | None:
        response, body = latest
        self._token = response.get("NextPollConfigurationToken")
        if not self._token:
            raise not_aws()
        self.interval = max(_SHORTEST_INTERVAL_SECONDS, response.get("NextPollIntervalInSeconds", self.interval))
        label = response.get("VersionLabel", "")
        # An empty body says "nothing new". Only a label that this session has not seen makes it an empty configuration.
        if body or (label and label != self._version_label):
            self._delivered = True
            self._version_label = label
            return Content(body=body, content_type=response.get("ContentType", ""), version_label=label)
        if not self._delivered:
            names = self.identifiers
            raise WaitingError(
                Reason.NOT_DEPLOYED,
                f"Nothing is deployed yet: configuration profile {names.configuration_profile} in environment "
                f"{names.environment} of application {names.application}. Start a deployment in AWS AppConfig.",
            )
        return None
