"""With whose credentials a call is signed: those that the calling thread has set, not those of the client.

botocore gives each client one identity, and with it a pool of connections, a TLS context and 1 MB. Here a client has
no identity. It asks for credentials when it signs, in the thread that makes the call, and gets those that the thread
has set with `acting`.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from botocore.credentials import CredentialProvider, Credentials
from botocore.exceptions import NoCredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.credentials import ReadOnlyCredentials

METHOD = "appconfig-operator"

_acting: ContextVar[ReadOnlyCredentials | None] = ContextVar("appconfig_operator_acting", default=None)


class NobodyActsError(NoCredentialsError):
    """A call had to be signed, and its thread had set no credentials."""


@contextmanager
def acting(credentials: ReadOnlyCredentials | None) -> Iterator[None]:
    """Sign the calls that this thread makes meanwhile with these credentials. With `None` none can be signed."""
    before = _acting.set(credentials)
    try:
        yield
    finally:
        _acting.reset(before)


class ActingCredentials(Credentials):
    """Stands in a client where botocore wants credentials.

    It has no keys of its own, so whatever reads them without asking for the frozen ones fails instead of signing.
    """

    def __init__(self) -> None:
        self.method = METHOD

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the credentials that this thread has set.

        Raises
        ------
        NobodyActsError
            When it has set none.
        """
        credentials = _acting.get()
        if credentials is None:
            raise NobodyActsError
        return credentials

    def get_deferred_property(self, property_name: str) -> Callable[[], str | None]:
        """Return what reads a property when a call is made. Endpoints by account ask for `account_id`."""

        def read() -> str | None:
            return getattr(_acting.get(), property_name, None)

        return read


class ActingProvider(CredentialProvider):
    """Makes `ActingCredentials` the only credentials of a botocore session."""

    METHOD = METHOD

    def load(self) -> Credentials:
        """Return them."""
        return ActingCredentials()
