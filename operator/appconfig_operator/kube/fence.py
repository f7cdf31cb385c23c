"""No write for a source once the Lease of its shard may have expired: another replica may write by then."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from appconfig_operator.kube.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.core.sharding.held_lease import LeaseGuard


class Fence:
    """Bounds the writes that a thread makes by the Lease under which it works."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def under(self, guard: LeaseGuard) -> Iterator[None]:
        """Let this thread write only while the Lease lasts."""
        self._local.guard = guard
        try:
            yield
        finally:
            self._local.guard = None

    def guard(self) -> LeaseGuard | None:
        """Return the Lease under which this thread works, or `None`."""
        return getattr(self._local, "guard", None)

    def limit(self) -> float | None:
        """Return how many seconds a write may take, or `None` where the thread works under no Lease.

        Raises
        ------
        UnreachableError
            When the Lease has lapsed: nothing may be sent.
        """
        guard = self.guard()
        if guard is None:
            return None
        remaining = guard.remaining()
        if remaining <= 0:
            raise UnreachableError("the Lease could not be renewed")
        return remaining
