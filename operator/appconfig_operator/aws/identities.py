"""Identities that are not the operator's own: shared by their sources, followed when they change, then forgotten."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError

from appconfig_operator.aws.credential_errors import no_credentials
from appconfig_operator.aws.errors import translate
from appconfig_operator.aws.roles import Basis, look
from appconfig_operator.core.errors import RefusedError, SourceError, StallingError, TransientError
from appconfig_operator.core.identity import account_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import Credentials
    from mypy_boto3_appconfigdata import AppConfigDataClient

    from appconfig_operator.aws.roles import Cluster, Roles
    from appconfig_operator.core.identity import Identity

LOOK_SECONDS = 60.0
"""Between two looks at a ServiceAccount or Secret that is in use: at most one GET each minute for each identity."""

IDLE_SECONDS = 3600.0
"""After which an identity that nobody used is forgotten. The credentials of a role are good for an hour anyway."""

LIMIT = 1000
"""Clients that are kept. Each takes 0.23 MB."""

_MUST_REFRESH_SECONDS = 600
"""Before they expire, botocore lets nobody use credentials any more that it could not refresh."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and the client to call with. `account` is empty when nobody knows it."""

    client: AppConfigDataClient
    name: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of what the cluster said."""

    basis: Basis
    credentials: Credentials
    caller: Caller
    since: float

    @property
    def lasting(self) -> bool:
        """Whether the credentials need not be refreshed before the next call."""
        credentials = self.credentials
        return not (
            isinstance(credentials, RefreshableCredentials) and credentials.refresh_needed(_MUST_REFRESH_SECONDS)
        )


@dataclass(slots=True)
class _Place:
    """Where one identity of one region is kept. `lock` is held while others are asked for it.

    Attributes
    ----------
    used
        When a caller was last wanted.
    looked
        When the cluster was last asked.
    failures, failure
        How often something went wrong, and what it was last.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    used: float = 0.0
    looked: float = 0.0
    made: _Made | None = None
    failures: int = 0
    failure: SourceError | None = None


class Identities:
    """Callers by region and identity.

    Parameters
    ----------
    cluster
        Where references lead.
    roles
        Makes credentials.
    own
        Returns the operator's own credentials, or raises `SourceError`.
    monotonic
        Seconds.
    """

    def __init__(
        self, *, cluster: Cluster, roles: Roles, own: Callable[[], Credentials], monotonic: Callable[[], float]
    ) -> None:
        self._cluster = cluster
        self._roles = roles
        self._own = own
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # The one that was used last is at the end.
        self._places: OrderedDict[tuple[str | None, Identity], _Place] = OrderedDict()

    def get(self, region: str | None, identity: Identity) -> Caller:
        """Return who calls, with credentials that are good now.

        Raises
        ------
        SourceError
            When there are none.
        """
        place = self._place(region, identity)
        made, failures = place.made, place.failures
        if made is not None and made.lasting and self._monotonic() - place.looked < LOOK_SECONDS:
            return _ready(made)
        with place.lock:
            # While STS hangs, all workers may wait here for one identity. What the first met is told to the others,
            # or each would wait as long, one after the other.
            if place.failure is not None and place.failures != failures:
                raise type(place.failure)(place.failure.reason, place.failure.message)
            try:
                return _ready(self._current(place, region, identity))
            except SourceError as error:
                place.failure = type(error)(error.reason, error.message)
                place.failures += 1
                if isinstance(error, StallingError):
                    # Somebody has to mend it, and may have done so before the minute is over.
                    place.made = None
                raise

    def renew(self, region: str | None, identity: Identity, refused: Caller) -> bool:
        """Forget credentials that AWS refused, unless they are less than a minute old.

        Returns
        -------
        bool
            Whether `get` now gives another caller than the one that was refused.
        """
        place = self._place(region, identity)
        with place.lock:
            if place.made is not None and place.made.caller is refused:
                if self._monotonic() - place.made.since < LOOK_SECONDS:
                    return False
                place.made = None
            return True

    def _place(self, region: str | None, identity: Identity) -> _Place:
        now = self._monotonic()
        with self._lock:
            place = self._places.setdefault((region, identity), _Place())
            place.used = now
            self._places.move_to_end((region, identity))
            while len(self._places) > LIMIT or self._oldest().used < now - IDLE_SECONDS:
                self._places.popitem(last=False)
            return place

    def _oldest(self) -> _Place:
        return next(iter(self._places.values()))

    def _current(self, place: _Place, region: str | None, identity: Identity) -> _Made:
        now = self._monotonic()
        made = place.made
        if made is not None and now - place.looked < LOOK_SECONDS:
            return made
        try:
            basis = look(self._cluster, identity)
        except TransientError as error:
            if made is None or isinstance(error, RefusedError):
                raise
            # The API server is away. What it said a minute ago is good enough for another one.
            basis = made.basis
        if made is None or basis != made.basis:
            made = self._make(region, identity, basis)
        place.made, place.looked = made, now
        return made

    def _make(self, region: str | None, identity: Identity, basis: Basis) -> _Made:
        credentials = self._roles.credentials(identity, basis, region, self._own)
        try:
            client = self._roles.appconfigdata(credentials, region)
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint URL that is none
            raise translate(error) from error
        alone = basis.role_arn is None or identity.role_arn is not None
        name = str(identity) if alone else f"{identity} with role {basis.role_arn}"
        account = account_of(identity.role_arn or basis.role_arn or "")
        return _Made(basis, credentials, Caller(client, name, account), self._monotonic())


def _ready(made: _Made) -> Caller:
    """Return the caller once it has credentials that are good now."""
    try:
        # Signing would do it too. Done here, a failure is known to be one of credentials, and nothing was sent.
        made.credentials.get_frozen_credentials()
    except SourceError:
        raise
    except Exception as error:
        raise no_credentials(error) from error
    return made.caller
