"""The sources that the scheduler knows, kept equal to those that there are."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.scheduler import Scheduler
    from appconfig_operator.watches.namespace_access import NamespaceAccess


class KnownSources:
    """Takes in what Kopf reports, and forgets what was deleted without a report.

    Parameters
    ----------
    scheduler
        Where the sources go.
    access
        Lists those that there are.

    Attributes
    ----------
    listed
        Set when all sources are known that there were at the start. Kopf does not say when its first list is complete,
        so it is compared with a list of uids.
    """

    def __init__(self, scheduler: Scheduler, access: NamespaceAccess) -> None:
        self.listed = threading.Event()
        self._scheduler = scheduler
        self._access = access
        self._lock = threading.Lock()
        self._expected: set[str] | None = None

    def put(self, source: Source) -> bool:
        """Take in a source as it is now, and return whether it was there before."""
        known = self._scheduler.put(source)
        self._arrived(source.uid)
        return known

    def pass_over(self, uid: str) -> None:
        """Take note of a source that cannot be read."""
        self._arrived(uid)

    def remove(self, uid: str) -> None:
        """Forget a source."""
        self._scheduler.remove(uid)
        self._arrived(uid)

    def forget_deleted(self) -> None:
        """Forget the sources that are not there anymore.

        Raises
        ------
        ApiError, UnreachableError
            When they cannot be listed.
        """
        before = self._scheduler.uids()
        there = self._access.uids()
        self._scheduler.keep_only(there, among=before)
        if not self.listed.is_set():
            with self._lock:
                self._expected = there if self._expected is None else self._expected & there
            self._arrived()

    def _arrived(self, uid: str = "") -> None:
        with self._lock:
            if self._expected is None or self.listed.is_set():
                return
            self._expected.discard(uid)
            if not self._expected:
                self.listed.set()
