"""Whether a call asks for feature flags with their rules, which AWS AppConfig sends to its own agent as Amazon Ion.

AppConfig decides by the header `Accept`, for which the operation has no parameter. All sources of a region share a
client, so the thread that makes the call says what it asks for, and not the client.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.session import Session

RULES = "application/ion;type=AWS.AppConfig.FeatureFlags;q=1.0,*/*;q=0.1"
"""What the agent sends. Anything else is accepted, too: the profile may hold no flags at all."""

_EVENT = "before-call.appconfigdata.GetLatestConfiguration"

_wanted: ContextVar[bool] = ContextVar("appconfig_operator_rules", default=False)


@contextmanager
def asking_for_rules(*, wanted: bool) -> Iterator[None]:
    """Let the calls that this thread makes meanwhile ask for rules, or not."""
    before = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(before)


def negotiate(session: Session) -> None:
    """Set the header on each call of the clients that a session makes from now on."""
    session.register(_EVENT, _accept)


def _accept(**event: Any) -> None:  # noqa: ANN401 (what botocore hands to handlers)
    # Before the call is signed, and so a part of what is.
    if _wanted.get():
        event["params"]["headers"]["Accept"] = RULES
