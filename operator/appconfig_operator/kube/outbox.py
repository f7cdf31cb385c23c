"""Events that wait until nothing more urgent is to be done.

A first sync of many sources has one Event for each: written at once, they would hold up ConfigMaps. The Event recorder
of client-go has a queue for the same reason: https://pkg.go.dev/k8s.io/client-go/tools/events.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.kube.events import Event, Events, Kind
    from appconfig_operator.kube.fence import Fence, Holding

logger = logging.getLogger(__name__)

LIMIT = 10_000
"""Events that wait at most, a few KB each. The oldest give way: the conditions say more than they do."""

BUSY_SECONDS = 0.1
"""Between two Events while there is something more urgent: slow, but not never."""


class Outbox:
    """Takes Events in at once, and writes them one after the other in a thread of its own.

    Parameters
    ----------
    events
        Who writes them.
    fence
        An Event is written under the Lease under which it arose, or not at all.
    busy
        Tells whether there is something more urgent to do.
    """

    def __init__(self, events: Events, fence: Fence, *, busy: Callable[[], bool]) -> None:
        self._events = events
        self._fence = fence
        self._busy = busy
        self._waiting: deque[tuple[Holding | None, Event]] = deque()
        self._changed = threading.Condition()
        self._writing = False
        self._lost = 0
        self._lapsed = 0
        self._complaint = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Write what waits, urgent or not, and tell whether that was all within `timeout` seconds."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting and not self._writing, timeout)

    def emit(self, source: Source, *, kind: Kind, reason: str, note: str) -> None:
        """Take in an Event of this moment."""
        event = self._events.prepare(source, kind=kind, reason=reason, note=note)
        with self._changed:
            if len(self._waiting) >= LIMIT:
                self._waiting.popleft()
                self._lost += 1
            self._waiting.append((self._fence.holding(), event))
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            holding, event = self._next()
            tried = True
            try:
                tried = self._write(holding, event)
            except Exception as error:  # noqa: BLE001 (the other Events are to be written all the same)
                # Not its text, which could quote what was to be written.
                logger.warning(
                    "Event %s not written: %s", event.body["reason"], type(error).__name__, extra=event.about
                )
            self._done(tried=tried)
            if tried and self._hurried():
                self._stop.wait(BUSY_SECONDS)

    def _write(self, holding: Holding | None, event: Event) -> bool:
        """Write an Event, and tell whether that was tried: once its Lease has lapsed, it would be refused."""
        if holding is None:
            self._events.post(event)
        elif holding.remaining() <= 0:
            self._lapsed += 1
            return False
        else:
            with self._fence.under(holding):
                self._events.post(event)
        return True

    def _done(self, *, tried: bool) -> None:
        with self._changed:
            # A lost Lease drops many Events, most often one after the other: they are told together.
            if self._lapsed and (tried or not self._waiting):
                logger.warning("%d Events were not written: the Lease under which they arose has lapsed", self._lapsed)
                self._lapsed = 0
            self._writing = False
            self._changed.notify_all()

    def _hurried(self) -> bool:
        """Tell whether there is something more urgent, or nobody knows."""
        try:
            busy, complaint = self._busy(), ""
        except Exception as error:  # noqa: BLE001 (the other Events are to be written all the same)
            busy, complaint = True, type(error).__name__
        if complaint and complaint != self._complaint:
            logger.warning("Events are written slowly: what is more urgent cannot be told (%s)", complaint)
        self._complaint = complaint
        return busy

    def _next(self) -> tuple[Holding | None, Event]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            lost, self._lost = self._lost, 0
            self._writing = True
            taken = self._waiting.popleft()
        if lost:
            logger.warning("%d Events were not written: more came than could be", lost)
        return taken
