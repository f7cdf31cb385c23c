"""What the calls at the data plane tell. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.data_plane.record import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.data_plane.record import Call

_GOOD = frozenset({Outcome.UNCHANGED, Outcome.CONTENT})


class Window(NamedTuple):
    """A span of time: Unix time in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    def inside(self, time: float) -> bool:
        """Return whether a moment is in it."""
        return self.start <= time < self.end


def within(calls: Iterable[Call], window: Window) -> list[Call]:
    """Give the calls of a window."""
    return [call for call in calls if window.inside(call.time)]


def polls(calls: Iterable[Call]) -> list[Call]:
    """Give the polls that were answered with success."""
    return [call for call in calls if call.outcome in _GOOD]


def count(calls: Iterable[Call], outcome: Outcome) -> int:
    """Tell how many calls were answered so."""
    return sum(call.outcome == outcome for call in calls)


def excesses(calls: Sequence[Call], window: Window, interval: float) -> list[float]:
    """Tell for each poll of a window how much longer than the interval its session had waited for it, in seconds."""
    before: dict[int, float] = {}
    found = []
    for call in polls(calls):
        if window.inside(call.time) and call.session in before:
            found.append(call.time - before[call.session] - interval)
        before[call.session] = call.time
    return found


def overdue(calls: Iterable[Call], window: Window, until: float, interval: float) -> list[float]:
    """Tell how much longer than the interval each profile waited for each poll that was due in a window, in seconds.

    A poll that comes several intervals late stands for as many that did not come, and one that never came counts as if
    it had come when nobody looked any more. Without both, the less is polled, the fewer would be late.

    Parameters
    ----------
    calls
        Those of the profiles that are asked about, from before the window on.
    window
        When polls were due.
    until
        When nobody looked any more: Unix time in seconds, after the window.
    interval
        Seconds from one poll to the next.
    """
    times: defaultdict[str, list[float]] = defaultdict(list)
    for call in polls(calls):
        if call.time < until:
            times[call.profile].append(call.time)
    found: list[float] = []
    for polled in times.values():
        for before, after in pairwise([*polled, until]):
            missed = (before + count * interval for count in range(1, int((after - before) / interval) + 1))
            found += [after - due for due in missed if window.inside(due)]
    return found


def schedule(calls: Iterable[Call], window: Window) -> list[tuple[float, str]]:
    """Give when which profile was polled in a window, in seconds from its start."""
    return [(call.time - window.start, call.profile) for call in polls(within(calls, window))]


def callers(calls: Iterable[Call], window: Window) -> dict[str, set[str]]:
    """Tell who made calls about each profile in a window."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for call in within(calls, window):
        found[call.profile].add(call.caller)
    return dict(found)


class TakeOver(NamedTuple):
    """What became of a source whose replica was killed."""

    due: float
    """When it was to be polled next, but not before the kill: Unix time in seconds."""
    polled: float | None
    """When another replica polled it first, if one did."""


def take_overs(calls: Sequence[Call], killed: str, moment: float, interval: float) -> dict[str, TakeOver]:
    """Tell of each source that a killed replica had.

    Parameters
    ----------
    calls
        All.
    killed
        The replica, as it signed its calls.
    moment
        When it was killed: Unix time in seconds.
    interval
        Seconds between two polls.
    """
    answered = polls(calls)
    last = {call.profile: call for call in answered if call.time < moment}
    first: dict[str, float] = {}
    for call in answered:
        if call.time >= moment and call.caller != killed:
            first.setdefault(call.profile, call.time)
    return {
        profile: TakeOver(max(moment, call.time + interval), first.get(profile))
        for profile, call in last.items()
        if call.caller == killed
    }
