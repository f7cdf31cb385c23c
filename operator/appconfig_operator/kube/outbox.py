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
            if holding is None:
                self._events.post(event)
            else:
                with self._fence.under(holding):
                    self._events.post(event)
            with self._changed:
                self._writing = False
                self._changed.notify_all()
            if self._busy():
                self._stop.wait(BUSY_SECONDS)

    def _next(self) -> tuple[Holding | None, Event]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            lost, self._lost = self._lost, 0
            self._writing = True
            taken = self._waiting.popleft()
        if lost:
            logger.warning("%d Events were not written: more came than could be", lost)
        return taken
