"""A source, and all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.engine.state.observed_config_maps import ObservedConfigMaps
from appconfig_operator.engine.state.poll_schedule import PollSchedule

if TYPE_CHECKING:
    from appconfig_operator.api.status import WrittenTarget
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.drift import ConfigMapSnapshot
    from appconfig_operator.engine.state.poll_state import PollState


@dataclass(slots=True)
class SourceState:
    """A source, and all that is known of it. The scheduler's lock guards it.

    Attributes
    ----------
    source
        As the API server last reported it.
    shard
        The shard that it belongs to.
    schedule
        When it is polled.
    config_maps
        What the watches saw of its ConfigMaps.
    poll_state
        What is kept between two polls. During a poll, the thread that polls owns it, and others only read
        `status.stored` and `status.written`, values that are replaced as a whole. `None` while another replica polls
        the source.
    """

    source: Source
    shard: int
    schedule: PollSchedule = field(default_factory=PollSchedule)
    config_maps: ObservedConfigMaps = field(default_factory=ObservedConfigMaps)
    poll_state: PollState | None = None

    @property
    def written(self) -> WrittenTarget | None:
        """What is in its ConfigMap, to the best of our knowledge."""
        return self.poll_state.status.written if self.poll_state is not None else self.source.status.target

    def start(self, poll_state: PollState, *, known_quick: bool) -> None:
        """Continue from what is known of it to polls by this replica."""
        self.poll_state, self.schedule.known_quick = poll_state, known_quick
        self.config_maps.drift_check_pending = True
        self.config_maps.new_strays = True  # what was its target may be a stray
        poll_state.delivery.unreleased |= self.config_maps.waiting_for

    def stop(self) -> None:
        """Forget what is of use only to the replica that polls it."""
        self.poll_state = None
        self.schedule.reset()

    def note_status(self, poll_state: PollState) -> None:
        """Take in the status that the watch reports, and keep one of two equal ones."""
        if self.source.status == poll_state.status.stored:
            self.source = replace(self.source, status=poll_state.status.stored)
        else:
            poll_state.observe(self.source.status)

    def note_strays(self, poll_state: PollState) -> bool:
        """Hand new names of stray ConfigMaps to the delivery, and return whether it did not have them."""
        before = poll_state.delivery.strays
        poll_state.delivery.strays |= self.config_maps.take_strays(target=self.source.spec.target.name)
        return poll_state.delivery.strays != before

    def note_label(self, snapshot: ConfigMapSnapshot) -> None:
        """Note a ConfigMap that carries the label of the source, which anyone can copy to any namespace."""
        if snapshot.namespace == self.source.namespace:
            self.config_maps.note_label(snapshot, target=self.source.spec.target.name)

    def note_waiting(self, namespace: str, name: str) -> bool:
        """Note a ConfigMap that the source waits for, and return whether that is known now."""
        return namespace == self.source.namespace and self.config_maps.note_waiting(name)

    def owns_target(self, snapshot: ConfigMapSnapshot) -> bool:
        """Return whether it is the ConfigMap of the source alone."""
        target = self.source.spec.target
        return (snapshot.namespace, snapshot.name) == (self.source.namespace, target.name) and (
            target.creation_policy is not CreationPolicy.MERGE
        )

    def written_under_owner(self, poll_state: PollState) -> bool:
        """Return whether its ConfigMap was written under `Owner`: a change of policy follows with the next write."""
        return poll_state.status.is_about(self.source) and (
            self.source.spec.target.creation_policy is CreationPolicy.OWNER
        )


def needs_restart(source: Source, *, than: Source) -> bool:
    """Return whether a source has a newer spec, or a new request to sync. Removing a request needs no restart."""
    if source.generation != than.generation:
        return source.generation > than.generation
    # The status shows what another replica has already done.
    return bool(source.requested_at) and source.requested_at not in {
        than.requested_at,
        source.status.last_handled_reconcile_at,
    }
