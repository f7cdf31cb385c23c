"""When each source is polled: one heap of due times, a bounded pool of worker threads."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.drift import Seen, drift
from appconfig_operator.core.errors import SourceGoneError
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.status import Status
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.memory import Memory

logger = logging.getLogger(__name__)

AFTER_A_BUG_SECONDS = 60.0
"""Until a source is polled again whose poll raised what nobody foresaw."""


class SourcePoller(Protocol):
    """What the scheduler runs."""

    def remember(self, source: Source, status: Status) -> Memory:
        """Start the memory of a source, with a new session."""

    def poll(self, source: Source, memory: Memory) -> float:
        """Poll a source, return the seconds until the next poll. Raises `SourceGoneError`."""


@dataclass(slots=True)
class _Entry:
    """A source that is there.

    `ticket` is the number of its one valid place in the heap; others of it there are void. `None`: not waiting.
    `seen` is what was told of its ConfigMap during a poll, to be looked at after it.
    """

    source: Source
    memory: Memory
    ticket: int | None = None
    running: bool = False
    changed: bool = False
    seen: Seen | None = None


class Scheduler:
    """Polls each source when it is due, and never twice at once.

    Parameters
    ----------
    poller
        Polls one source.
    workers
        Threads, and so polls at once.
    monotonic
        Seconds.
    """

    def __init__(self, poller: SourcePoller, *, workers: int, monotonic: Callable[[], float]) -> None:
        self._poller = poller
        self._monotonic = monotonic
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._tickets = itertools.count()
        self._lock = threading.Lock()
        # One idle worker, the leader, waits for the first due time; the others wait to lead. So a due source wakes one.
        self._due = threading.Condition(self._lock)
        self._lead = threading.Condition(self._lock)
        self._led = False
        self._stopping = False
        # Daemons: a thread that waits for AWS must not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(workers)
        ]

    def start(self) -> None:
        """Start the worker threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float) -> bool:
        """Begin no more polls, and wait for those under way.

        Parameters
        ----------
        timeout
            Seconds, for all threads together.

        Returns
        -------
        bool
            Whether all polls ended in time. One that did not is safe to cut off: the next process ends its work.
        """
        with self._lock:
            self._stopping = True
            self._due.notify_all()
            self._lead.notify_all()
        deadline = self._monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def put(self, source: Source) -> bool:
        """Take in a source as the API server tells it now. A changed spec, or a request to sync, is polled at once.

        Returns
        -------
        bool
            Whether it was there before.
        """
        if source.deleting:
            self.remove(source.uid)
            return False
        with self._lock:
            entry = self._entries.get(source.uid)
            known = entry is not None
            if entry is None:
                entry = _Entry(source, self._poller.remember(source, source.status))
                self._entries[source.uid] = entry
                self._schedule(entry, 0.0)
            elif _asks_for_more(source, than=entry.source):
                entry.source = source
                entry.changed = True
                if not entry.running:
                    self._begin_anew(entry)
            elif entry.source.generation == source.generation:
                entry.source = source
        return known

    def saw(self, uid: str, seen: Seen) -> None:
        """Take in what became of the ConfigMap of a source. A change of somebody else is put right at once."""
        with self._lock:
            entry = self._entries.get(uid)
            if entry is None or not _concerns(seen, entry.source):
                return
            entry.seen = seen
            if not entry.running:
                self._look(entry)

    def targets(self, namespace: str | None) -> dict[str, tuple[str, str]]:
        """Return namespace and name of the ConfigMaps that carry the mark of a source, by its uid.

        Parameters
        ----------
        namespace
            Where, or `None` for everywhere.
        """
        with self._lock:
            return {
                uid: (entry.source.namespace, entry.memory.written.name)
                for uid, entry in self._entries.items()
                if entry.memory.written is not None
                and namespace in {None, entry.source.namespace}
                and entry.source.spec.target.creation_policy is not CreationPolicy.MERGE
            }

    def _look(self, entry: _Entry) -> None:
        seen, entry.seen = entry.seen, None
        if seen is None or entry.memory.drift is not None:
            return
        what = drift(seen, entry.memory.written)
        if what is not None:
            entry.memory.drift = what
            self._schedule(entry, 0.0)

    def remove(self, uid: str) -> None:
        """Forget a source, and its session with it."""
        with self._lock:
            entry = self._entries.pop(uid, None)
        if entry is not None:
            logger.info("Deleted: its session ends", extra=about(entry.source))

    def keep_only(self, uids: set[str], among: set[str]) -> None:
        """Forget sources that were deleted unnoticed: those of `among` that are not in `uids`."""
        for uid in among - uids:
            self.remove(uid)

    def uids(self) -> set[str]:
        """Return the uids of all sources that are there."""
        with self._lock:
            return set(self._entries)

    def _begin_anew(self, entry: _Entry) -> None:
        entry.changed = False
        before = entry.memory
        entry.memory = self._poller.remember(entry.source, before.status)
        # The status may not tell of the last writes: that it could not be written must not make them forgotten.
        entry.memory.written, entry.memory.history, entry.memory.left = before.written, before.history, before.left
        self._schedule(entry, 0.0)

    def _schedule(self, entry: _Entry, delay: float) -> None:
        if entry.source.spec.suspend:
            logger.info("Suspended: no calls, nothing changes", extra=about(entry.source))
            entry.ticket = None
            return
        entry.ticket = next(self._tickets)
        heapq.heappush(self._heap, (self._monotonic() + delay, entry.ticket, entry.source.uid))
        self._due.notify()

    def _work(self) -> None:
        while (due := self._next()) is not None:
            entry, source, memory = due
            delay = self._poll(source, memory)
            with self._lock:
                entry.running = False
                if self._entries.get(source.uid) is not entry:
                    continue
                if delay is None:
                    del self._entries[source.uid]
                    continue
                if entry.changed:
                    self._begin_anew(entry)
                else:
                    self._schedule(entry, delay)
                self._look(entry)

    def _next(self) -> tuple[_Entry, Source, Memory] | None:
        """Wait for the next source that is due. `None`: the scheduler stops."""
        with self._lock:
            while self._led and not self._stopping:
                self._lead.wait()
            self._led = True
            try:
                entry = self._first_due()
                # Read under the lock: `put` may set another source right after it, with a memory of its own to come.
                return None if entry is None else (entry, entry.source, entry.memory)
            finally:
                self._led = False
                self._lead.notify()

    def _first_due(self) -> _Entry | None:
        while not self._stopping:
            if not self._heap:
                self._due.wait()
                continue
            due, ticket, uid = self._heap[0]
            entry = self._entries.get(uid)
            if entry is None or entry.ticket != ticket:
                heapq.heappop(self._heap)
            elif (wait := due - self._monotonic()) > 0:
                self._due.wait(wait)
            else:
                heapq.heappop(self._heap)
                entry.ticket = None
                entry.running = True
                return entry
        return None

    def _poll(self, source: Source, memory: Memory) -> float | None:
        try:
            return self._poller.poll(source, memory)
        except SourceGoneError:
            return None
        except Exception as error:  # noqa: BLE001 (a bug met by one source must not end the thread that serves all)
            # Not the exception's own text: it could quote a configuration value.
            where = "; ".join(
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
            )
            logger.error(  # noqa: TRY400 (the traceback is there, without the text)
                "A poll failed with %s at %s", type(error).__name__, where, extra=about(source)
            )
            return AFTER_A_BUG_SECONDS


def _asks_for_more(source: Source, *, than: Source) -> bool:
    """Tell whether a source has a newer spec, or a new request to sync. To take a request away asks for nothing."""
    if source.generation != than.generation:
        return source.generation > than.generation
    return bool(source.requested_at) and source.requested_at != than.requested_at


def _concerns(seen: Seen, source: Source) -> bool:
    """Tell whether it is the ConfigMap of the source: the mark alone, anybody can copy to anywhere."""
    target = source.spec.target
    return (seen.namespace, seen.name) == (source.namespace, target.name) and (
        target.creation_policy is not CreationPolicy.MERGE
    )
