"""What the watches saw of the ConfigMaps of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.core.target.drift import ConfigMapSnapshot

MANAGED = 20
"""Names of ConfigMaps with the label of a source that are kept. With more than two, someone else made some."""

WAITING = 20
"""Names of ConfigMaps that a source waits for that are kept."""


@dataclass(slots=True)
class ObservedConfigMaps:
    """What the watches saw of the ConfigMaps of a source. It is kept for sources that another replica polls, too.

    Attributes
    ----------
    snapshot
        Its target as the watch saw it last.
    drift_check_pending
        Whether that is still to be compared with what was written.
    managed
        Names of the ConfigMaps that carry its label and that the operator made for it: the target, and what a killed
        process left.
    new_strays
        Whether a name came up there that is not the target, and that `DeliveryState.strays` lacks.
    waiting_for
        ConfigMaps that it is an owner of because it waits for them. A killed process may have left them so, and the
        spec may ask for another one by now: then they are released.
    """

    snapshot: ConfigMapSnapshot | None = None
    drift_check_pending: bool = False
    managed: tuple[str, ...] = ()
    new_strays: bool = False
    waiting_for: frozenset[str] = frozenset()

    def observe(self, snapshot: ConfigMapSnapshot) -> None:
        """Take in the target as the watch sees it."""
        self.snapshot, self.drift_check_pending = snapshot, True

    def note_label(self, snapshot: ConfigMapSnapshot, *, target: str) -> None:
        """Note a ConfigMap of the namespace that carries the label of the source, under whichever name."""
        known, ours = snapshot.name in self.managed, snapshot.owned and not snapshot.deleting
        if ours and not known and len(self.managed) < MANAGED:
            self.managed += (snapshot.name,)
            self.new_strays = self.new_strays or snapshot.name != target
        elif known and not ours:
            self.managed = tuple(name for name in self.managed if name != snapshot.name)

    def note_waiting(self, name: str) -> bool:
        """Note a ConfigMap that the source waits for, and return whether that is known now."""
        if len(self.waiting_for) < WAITING:
            self.waiting_for |= {name}
        return name in self.waiting_for

    def take_strays(self, *, target: str) -> frozenset[str]:
        """Return the names that are not the target, if there is a new one."""
        if not self.new_strays:
            return frozenset()
        self.new_strays = False
        return frozenset(self.managed) - {target}
