"""A source that is there, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import CreationPolicy

if TYPE_CHECKING:
    from appconfig_operator.api.status import WrittenTarget
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.drift import ConfigMapSnapshot
    from appconfig_operator.engine.lanes import QueuedPoll
    from appconfig_operator.engine.state.poll_state import PollState


MARKED = 20
"""Names of ConfigMaps that are kept of a source. More than two were made by somebody else."""

WAITS = 20
"""Names of ConfigMaps that a source waits for, likewise."""


@dataclass(slots=True)
class Entry:
    """A source that is there.

    Attributes
    ----------
    source
        As the API server last reported it.
    shard
        The part of all sources that it belongs to.
    memory
        What is kept between two polls, `None` while another replica polls it.
    queue_token
        Its poll in the queue. `None`: it has none there.
    due
        When it is to be polled, by the monotonic clock.
    running
        Whether it is being polled.
    changed
        Whether the spec changed, or a sync was asked for, during a poll.
    seen
        Its ConfigMap as the watch saw it last.
    unlooked
        Whether what was seen last is still to be looked at.
    proven
        Whether its last poll was quick, and brought an answer.
    begins
        Whether the next poll is the first one of a new session that a change has asked for.
    not_before
        When it may be polled at the earliest, whatever it is asked for, by the monotonic clock.
    looked
        When it was last polled, likewise.
    woken
        Whether what it waits for has changed during a poll.
    marked
        Names of the ConfigMaps that are the source's, as the watch saw them: the target, and what a process that was
        killed left.
    astray
        Whether one came up that is not the target, and that the memory does not know of.
    waits
        ConfigMaps that it is an owner of because it waits for them, as the watch saw it. A process that was killed may
        have left them so, and its spec may ask for another one by now: then they are given up.
    """

    source: Source
    shard: int
    memory: PollState | None = None
    queue_token: QueuedPoll | None = None
    due: float = 0.0
    running: bool = False
    changed: bool = False
    seen: ConfigMapSnapshot | None = None
    unlooked: bool = False
    proven: bool = False
    begins: bool = False
    not_before: float = float("-inf")
    looked: float = float("-inf")
    woken: bool = False
    marked: tuple[str, ...] = ()
    astray: bool = False
    waits: frozenset[str] = frozenset()

    @property
    def written(self) -> WrittenTarget | None:
        """What is in its ConfigMap, by the best of our knowledge."""
        return self.memory.status.written if self.memory is not None else self.source.status.target

    def owns(self, memory: PollState) -> bool:
        """Return whether its ConfigMap was written under `Owner`: a change of policy follows with the next write."""
        written = memory.status.stored.observed_generation == self.source.generation
        return written and self.source.spec.target.creation_policy is CreationPolicy.OWNER

    def adopt(self, memory: PollState) -> None:
        """Take in the status that the watch reports, and keep one of two equal ones."""
        if self.source.status == memory.status.stored:
            self.source = replace(self.source, status=memory.status.stored)
        else:
            memory.observe(self.source.status)

    def forget(self) -> None:
        """Forget what only the replica needs that polls it."""
        self.memory, self.queue_token, self.changed = None, None, False
        self.begins, self.woken, self.not_before = False, False, float("-inf")

    def strayed(self, memory: PollState) -> bool:
        """Hand the names that came up to the memory, and return whether it has to look after one."""
        if not self.astray:
            return False
        self.astray, before = False, memory.delivery.strays
        memory.delivery.strays |= frozenset(self.marked) - {self.source.spec.target.name}
        return memory.delivery.strays != before

    def mark(self, seen: ConfigMapSnapshot) -> None:
        """Take note of a ConfigMap that carries the mark of the source, under whichever name."""
        known = seen.name in self.marked
        theirs = seen.namespace == self.source.namespace and seen.owned and not seen.deleting
        if theirs and not known and len(self.marked) < MARKED:
            self.marked += (seen.name,)
            self.astray = self.astray or seen.name != self.source.spec.target.name
        elif known and not theirs and seen.namespace == self.source.namespace:
            self.marked = tuple(name for name in self.marked if name != seen.name)

    def wait_for(self, namespace: str, name: str) -> bool:
        """Take note of a ConfigMap that the source waits for, and return whether that is known now."""
        if namespace == self.source.namespace and len(self.waits) < WAITS:
            self.waits |= {name}
        return namespace == self.source.namespace and name in self.waits

    def concerned_by(self, seen: ConfigMapSnapshot) -> bool:
        """Return whether it is the ConfigMap of the source: the mark alone, anybody can copy to anywhere."""
        target = self.source.spec.target
        return (seen.namespace, seen.name) == (self.source.namespace, target.name) and (
            target.creation_policy is not CreationPolicy.MERGE
        )


def asks_for_more(source: Source, *, than: Source) -> bool:
    """Return whether a source has a newer spec, or a new request to sync. To take a request away asks for nothing."""
    if source.generation != than.generation:
        return source.generation > than.generation
    # What another replica has done already, its status shows.
    return bool(source.requested_at) and source.requested_at not in {
        than.requested_at,
        source.status.last_handled_reconcile_at,
    }
