"""Events that wait until nothing more urgent is to be done.

A first sync of many sources has one Event for each: written at once, they would delay ConfigMaps. The Event recorder
of client-go has a queue for the same reason: https://pkg.go.dev/k8s.io/client-go/tools/events.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from appconfig_operator.core.fair_queue import FairQueue
from appconfig_operator.logs import LogOnce

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.kube.events import Event, Events, Kind
    from appconfig_operator.kube.fence import Fence

logger = logging.getLogger(__name__)

LIMIT = 10_000
"""Events that wait at most, a few KB each. The oldest of the namespace with most of them give way: the conditions say
more than they do."""

THREADS = 3
"""Namespaces whose Events are written at once: a webhook that is slow in one of them must not delay all others."""

BUSY_SECONDS = 0.1
"""Between two Events while there is something more urgent: slow, but not never."""


class Outbox:
    """Takes Events in at once, and writes them in threads of its own: those of a namespace one after the other.

    Parameters
    ----------
    events
        Who writes them.
    fence
        An Event is written under the Lease under which it arose, or not at all.
    busy
        Returns whether there is something more urgent to do.
    """

    def __init__(self, events: Events, fence: Fence, *, busy: Callable[[], bool]) -> None:
        self._events = events
        self._fence = fence
        self._busy = busy
        self._queue: FairQueue[tuple[LeaseGuard | None, Event]] = FairQueue(LIMIT)
        self._changed = threading.Condition()
        self._lost = 0
        self._lapsed = 0
        self._log = LogOnce(logger)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, name="events", daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float) -> bool:
        """Write what waits at full speed, and return whether all of it was written within `timeout` seconds."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._queue.idle, timeout)

    def emit(self, source: Source, *, kind: Kind, reason: str, note: str) -> None:
        """Take in an Event of this moment."""
        event = self._events.prepare(source, kind=kind, reason=reason, note=note)
        with self._changed:
            self._lost += self._queue.put(source.namespace, (self._fence.guard(), event))
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            namespace, guard, event = self._next()
            tried = True
            try:
                tried = self._write(guard, event)
            except Exception as error:  # noqa: BLE001 (the other Events are to be written all the same)
                # Not its text, which could quote what was to be written.
                logger.warning(
                    "Event %s not written: %s", event.body["reason"], type(error).__name__, extra=event.about
                )
            if tried and self._hurried():
                self._stop.wait(BUSY_SECONDS)  # before it is done, or another thread would take the next one meanwhile
            self._done(namespace, tried=tried)

    def _write(self, guard: LeaseGuard | None, event: Event) -> bool:
        """Write an Event, and return whether that was tried: once its Lease has lapsed, it would be refused."""
        if guard is None:
            self._events.post(event)
        elif guard.remaining() <= 0:
            with self._changed:
                self._lapsed += 1
            return False
        else:
            with self._fence.under(guard):
                self._events.post(event)
        return True

    def _done(self, namespace: str, *, tried: bool) -> None:
        with self._changed:
            # A lost Lease drops many Events, most often one after the other: they are logged together.
            if self._lapsed and (tried or not self._queue):
                logger.warning("%d Events were not written: their Lease has lapsed", self._lapsed)
                self._lapsed = 0
            self._queue.done(namespace)
            self._changed.notify_all()

    def _hurried(self) -> bool:
        """Return whether there is something more urgent, or it is unknown."""
        try:
            busy, trouble = self._busy(), ""
        except Exception as error:  # noqa: BLE001 (the other Events are to be written all the same)
            unknown = f"cannot determine whether anything is more urgent ({type(error).__name__})"
            busy, trouble = True, f"Events are written slowly: {unknown}"
        self._log.log(trouble)
        return busy

    def _next(self) -> tuple[str, LeaseGuard | None, Event]:
        with self._changed:
            self._changed.wait_for(self._queue.ready)
            lost, self._lost = self._lost, 0
            namespace, (guard, event) = self._queue.take()
        if lost:
            logger.warning("%d Events were not written: they came faster than they could be written", lost)
        return namespace, guard, event
