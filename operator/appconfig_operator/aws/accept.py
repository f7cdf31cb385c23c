"""Whether a call asks for feature flags with their rules, which AWS AppConfig sends to its own agent as Amazon Ion.

AppConfig chooses by the header `Accept`, which the operation has no parameter for. Clients are shared by all sources of
a region, so the wish is that of the thread that makes the call, and never a client's.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.session import Session

RULES = "application/ion;type=AWS.AppConfig.FeatureFlags;q=1.0,*/*;q=0.1"
"""What the agent sends. Anything else is taken, too: the profile may hold no flags at all."""

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


def follow_wishes(session: Session) -> None:
    """Let all clients that a session makes from now on ask for what the thread wants that makes a call."""
    session.register(_EVENT, _accept)


def _accept(**event: Any) -> None:  # noqa: ANN401 (what botocore hands to handlers)
    # Before the call is signed, and so a part of what is.
    if _wanted.get():
        event["params"]["headers"]["Accept"] = RULES
