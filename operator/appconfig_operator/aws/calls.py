"""Reports each call to AWS: which, with what status, how long it took.

Botocore's own events also report the calls that botocore makes by itself for its credentials. One of
`after-call` and `after-call-error` comes for each `before-call`, whatever the answer is, and when there is none:
https://docs.aws.amazon.com/boto3/latest/guide/events.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

    OnCall = Callable[[str, int | None, float], None]
    """Is notified of each call: operation, HTTP status, seconds until there was the answer, or none.

    The status is `None` when there was no answer, or none that could be read.
    """

_BEGUN = "appconfig-operator-begun"


class Calls:
    """Follows the calls of clients.

    Parameters
    ----------
    on_call
        Is notified of each, in the thread that makes it. `None`: no one is.
    monotonic
        Seconds.
    """

    def __init__(self, on_call: OnCall | None, monotonic: Callable[[], float]) -> None:
        self._on_call = on_call
        self._monotonic = monotonic

    def follow(self, session: Session) -> None:
        """Follow all clients that a session makes from now on."""
        if self._on_call is not None:
            session.register("before-call", self._begin)
            session.register("after-call", self._end)
            session.register("after-call-error", self._fail)

    def _begin(self, **event: Any) -> None:  # noqa: ANN401 (what botocore hands to handlers)
        # The context is that of the one call, and made for notes of handlers.
        event["context"][_BEGUN] = event["model"].name, self._monotonic()

    def _end(self, **event: Any) -> None:  # noqa: ANN401 (as above)
        self._report(event["context"], event["http_response"].status_code)

    def _fail(self, **event: Any) -> None:  # noqa: ANN401 (as above)
        self._report(event["context"], None)

    def _report(self, context: dict[str, Any], status: int | None) -> None:
        # Missing when another handler has answered in place of AWS.
        name, begun = context.pop(_BEGUN, (None, 0.0))
        if name is not None and self._on_call is not None:
            self._on_call(name, status, self._monotonic() - begun)
