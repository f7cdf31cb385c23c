"""An AppConfig session: single-use tokens, and what they ask of a client.

Source of the rules: the AWS AppConfig API reference, StartConfigurationSession and GetLatestConfiguration
(https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations_AWS_AppConfig_Data.html).
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from appconfig_operator.aws.accept import asking_for_rules
from appconfig_operator.aws.breakers import Breakers, Key
from appconfig_operator.aws.connection_errors import route_of, unanswered
from appconfig_operator.aws.errors import (
    NOT_SENT,
    Identifiers,
    TokenProblem,
    not_aws,
    not_deployed,
    token_problem,
    translate,
)
from appconfig_operator.aws.rate_limits import LATEST, START, RateLimits
from appconfig_operator.aws.responses import contained, modified_time, read
from appconfig_operator.aws.signing import acting
from appconfig_operator.core.errors import (
    RateLimitedError,
    Reason,
    SourceError,
    StallingError,
    TooEarlyError,
)
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.identity import OPERATOR
from appconfig_operator.core.sharding.handover import SavedSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_appconfigdata import AppConfigDataClient
    from mypy_boto3_appconfigdata.type_defs import GetLatestConfigurationResponseTypeDef

    from appconfig_operator.aws.clients import Caller, Clients
    from appconfig_operator.aws.rate_limits import Operation
    from appconfig_operator.core.identity import Identity

_SHORTEST_INTERVAL_SECONDS = 1
"""Whatever is answered: AWS never sends less than 15, and with 0 there would be no pause at all."""


class _SessionOverError(Exception):
    """The service refused the token, or may have: the session is over."""

    def __init__(self, refusal: ClientError) -> None:
        super().__init__()
        self.refusal = refusal


@dataclass(slots=True)
class Session:
    """An AppConfig session of one source. Used by one thread at a time.

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
        Seconds until the next poll: at first what the user asked for, then what the service answers.
    limits
        Asked before each call.
    breakers
        Asked before each poll, unless the last call of this session got an answer.
    namespace
        That of the source.
    rules
        Whether feature flags are wanted with their rules.
    """

    clients: Clients = field(repr=False)
    identifiers: Identifiers
    region: str | None
    interval: int
    identity: Identity = OPERATOR
    limits: RateLimits = field(default_factory=RateLimits, repr=False)
    breakers: Breakers = field(default_factory=Breakers, repr=False)
    namespace: str = ""
    rules: bool = False
    _caller: str = ""
    _quota: tuple[str, str] = ("", "")  # whose quotas the calls count against: account and region
    _waited: bool = False
    _answered: bool = False  # whether the last call was
    _probe: bool = False
    _token: str | None = field(default=None, repr=False)
    _restored: bool = False  # the token is another replica's, and may not be valid for this caller
    _delivered: bool = False

    def save(self) -> SavedSession | None:
        """Return what another replica can continue with, or `None` when there is no usable token."""
        if self._token is None:
            return None
        return SavedSession(token=self._token, interval=self.interval, delivered=self._delivered)

    def restore(self, saved: SavedSession) -> None:
        """Continue the session of another replica."""
        self.interval = saved.interval
        self._token = saved.token
        self._restored = True
        self._delivered = saved.delivered

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
            When the interval has not passed for the service. The token is still valid.
        RateLimitedError
            When the call has to wait for its turn. Nothing was sent with the token, if there is one.
        SourceError
            Any other of what `translate` returns, or that calls to an endpoint that does not answer are paused.
        """
        # A session whose last call was answered is not paused because others of the same namespace hang.
        self._probe = not self._answered and self.breakers.enter(self._key)
        try:
            return self._called()
        finally:
            if self._probe:
                self.breakers.leave(self._key)

    @property
    def _key(self) -> Key:
        return Key(self.namespace, self.identity, self.region)

    def _called(self) -> Content | None:
        caller = self.clients.get(self.region, self.identity)
        try:
            with acting(caller.credentials):
                return self._poll(caller)
        except StallingError as error:
            if error.reason != Reason.ACCESS_DENIED:
                raise
            if not self.clients.renew(self.region, self.identity, caller) and not self._restored:
                raise
        # What the credentials begin with may have changed: try once more, with new ones. A token of the old ones may
        # belong to another account, and so may that of another replica.
        self._token = None
        self._restored = False
        caller = self.clients.get(self.region, self.identity)
        with acting(caller.credentials):
            return self._poll(caller)

    def _poll(self, caller: Caller) -> Content | None:
        client = caller.client
        self._caller = caller.name
        self._quota = caller.account or caller.name, client.meta.region_name
        held = self._token
        if held:
            with suppress(_SessionOverError):  # what a new session answers decides
                return self._received(self._latest(client, held))
        try:
            return self._received(self._latest(client, self._start(client)))
        except _SessionOverError as ended:  # of a new session, so the age of the token is not the cause
            raise self._translated(ended.refusal, LATEST) from ended.refusal

    def _start(self, client: AppConfigDataClient) -> str:
        """Start a new session. It delivers once more what an earlier one delivered."""
        self._take_turn(START)
        try:
            with self._call(client):
                started = client.start_configuration_session(
                    ApplicationIdentifier=self.identifiers.application,
                    EnvironmentIdentifier=self.identifiers.environment,
                    ConfigurationProfileIdentifier=self.identifiers.configuration_profile,
                    RequiredMinimumPollIntervalInSeconds=self.identifiers.poll_interval_seconds,
                )
        except (ClientError, BotoCoreError) as error:
            raise self._translated(error, START) from error
        token = started.get("InitialConfigurationToken")
        if not token:
            raise not_aws()
        self._token = token
        self._restored = False
        self._delivered = False
        return token

    def _latest(self, client: AppConfigDataClient, token: str) -> tuple[GetLatestConfigurationResponseTypeDef, bytes]:
        """Call once. `_SessionOverError` means that the token is not accepted anymore, or may not be."""
        self._take_turn(LATEST)
        # Until it is known that the token was not used, there is no usable one.
        self._token = None
        try:
            with self._call(client), asking_for_rules(wanted=self.rules):
                response = client.get_latest_configuration(ConfigurationToken=token)
                body = read(response["Configuration"], self.clients.timeouts.body)
        except ClientError as error:
            match token_problem(error):
                case TokenProblem.TOO_EARLY:
                    self._token = token
                    raise TooEarlyError from error
                case TokenProblem.BAD | TokenProblem.GONE | TokenProblem.UNEXPLAINED:
                    raise _SessionOverError(error) from error
                case None:
                    self._token = token
            raise self._translated(error, LATEST) from error
        except NOT_SENT as error:
            self._token = token
            raise self._translated(error, LATEST) from error
        except BotoCoreError as error:  # lost half-way: no one knows whether the token was used
            raise self._translated(error, LATEST) from error
        return response, body

    @contextmanager
    def _call(self, client: AppConfigDataClient) -> Iterator[None]:
        """Record whether a call is answered."""
        try:
            with contained():
                yield
        except (ClientError, BotoCoreError) as error:
            if unanswered(error):
                self._answered = False
                self.breakers.missed(self._key, route_of(error), probe=self._probe)
                self._probe = False
            else:
                self._note_answer(client)
            raise
        self._note_answer(client)

    def _note_answer(self, client: AppConfigDataClient) -> None:
        self._answered = True
        self.breakers.answered(self._key)
        self.clients.answered(self.region, client)

    def _take_turn(self, operation: Operation) -> None:
        wait = self.limits.take(*self._quota, operation, waited=self._waited)
        self._waited = wait > 0
        if wait > 0:
            raise RateLimitedError(wait)

    def _translated(self, error: Exception, operation: Operation) -> SourceError:
        translated = translate(error, self.identifiers, self._caller)
        if translated.reason == Reason.THROTTLED:
            self.limits.throttled(*self._quota, operation)
        return translated

    def _received(self, latest: tuple[GetLatestConfigurationResponseTypeDef, bytes]) -> Content | None:
        response, body = latest
        self._token = response.get("NextPollConfigurationToken")
        if not self._token:
            raise not_aws()
        self._restored = False
        self.interval = max(_SHORTEST_INTERVAL_SECONDS, response.get("NextPollIntervalInSeconds", self.interval))
        # An empty body says "nothing new", with a label as without: AWS stores no empty configuration.
        if body:
            self._delivered = True
            return Content(
                body=body,
                content_type=response.get("ContentType", ""),
                version_label=response.get("VersionLabel", ""),
                modified_time=modified_time(response.get("ResponseMetadata", {})),
            )
        if not self._delivered:
            raise not_deployed(self.identifiers)
        return None
