"""The operator's own credentials, by the chain of the AWS SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import NoCredentialsError

from appconfig_operator.aws.credential_errors import no_credentials
from appconfig_operator.aws.refreshed import Refreshed
from appconfig_operator.aws.region import new_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.config import Config
    from botocore.credentials import Credentials, ReadOnlyCredentials

    from appconfig_operator.aws.calls import Calls

_MUST_REFRESH_SECONDS = 600
"""How long before their end botocore stops using credentials that it could not refresh."""

_AGAIN_SECONDS = 60.0
"""Between two attempts to refresh credentials that are still good."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Credentials as the chain found them, and as they are now."""

    source: Credentials = field(repr=False)
    frozen: ReadOnlyCredentials = field(repr=False)
    since: float

    def fresh(self, now: float) -> bool:
        if now - self.since < _AGAIN_SECONDS and self.usable(now):
            return True  # botocore has just tried, and continues with these
        return not self._expires_within(None)

    def usable(self, now: float) -> bool:  # noqa: ARG002 (botocore has a clock of its own)
        return not self._expires_within(_MUST_REFRESH_SECONDS)

    def _expires_within(self, seconds: int | None) -> bool:
        return isinstance(self.source, RefreshableCredentials) and self.source.refresh_needed(seconds)


class OwnCredentials:
    """Finds the operator's own credentials, and has them refreshed by one thread at a time.

    The providers of botocore read files, run programs, and call services that may hang.

    Parameters
    ----------
    config
        For the calls to STS that botocore makes by itself: its own time-out is 60 s, five times over.
    calls
        Follows them.
    monotonic
        Seconds.
    """

    def __init__(self, config: Config, calls: Calls, monotonic: Callable[[], float]) -> None:
        self._config = config
        self._calls = calls
        self._monotonic = monotonic
        self._found = Refreshed(self._make, what="the operator's own AWS credentials", monotonic=monotonic)

    def get(self) -> ReadOnlyCredentials:
        """Return usable ones. Raises `SourceError`, and `BusyError` while another thread gets them."""
        return self._found.get().frozen

    def _make(self, before: _Found | None) -> _Found:
        # What failed is forgotten with its session, so what comes later is found later.
        try:
            source = self._find() if before is None else before.source
            frozen = source.get_frozen_credentials()
        except Exception as error:
            raise no_credentials(error) from error
        return _Found(source, frozen, self._monotonic())

    def _find(self) -> Credentials:
        session = new_session()
        session.set_default_client_config(self._config)
        self._calls.follow(session)
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        return credentials
