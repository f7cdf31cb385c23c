"""What the calls to the data plane show. Pure."""

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
        """Its length in seconds."""
        return self.end - self.start

    def inside(self, time: float) -> bool:
        """Return whether a moment is in it."""
        return self.start <= time < self.end


def within(calls: Iterable[Call], window: Window) -> list[Call]:
    """Return the calls of a window."""
    return [call for call in calls if window.inside(call.time)]


def polls(calls: Iterable[Call]) -> list[Call]:
    """Return the successful polls."""
    return [call for call in calls if call.outcome in _GOOD]


def count(calls: Iterable[Call], outcome: Outcome) -> int:
    """Return the number of calls with that kind of answer."""
    return sum(call.outcome == outcome for call in calls)


def excesses(calls: Sequence[Call], window: Window, interval: float) -> list[float]:
    """Return for each poll in a window how much longer than the interval its session had waited for it, in seconds."""
    before: dict[int, float] = {}
    found = []
    for call in polls(calls):
        if window.inside(call.time) and call.session in before:
            found.append(call.time - before[call.session] - interval)
        before[call.session] = call.time
    return found


def overdue(calls: Iterable[Call], window: Window, until: float, interval: float) -> list[float]:
    """Return how much longer than the interval each profile waited for each poll that was due in a window, in seconds.

    A poll that is several intervals late also counts for those that did not come, and one that never came counts as if
    it had come at the end of the observation. Otherwise, the fewer polls there are, the fewer would be late.

    Parameters
    ----------
    calls
        The calls about these profiles, starting before the window.
    window
        When polls were due.
    until
        The end of the observation: Unix time in seconds, after the window.
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
    """Return which profile was polled when in a window, in seconds from its start."""
    return [(call.time - window.start, call.profile) for call in polls(within(calls, window))]


def callers(calls: Iterable[Call], window: Window) -> dict[str, set[str]]:
    """Return who made calls about each profile in a window."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for call in within(calls, window):
        found[call.profile].add(call.caller)
    return dict(found)


class TakeOver(NamedTuple):
    """What happened to a source of a killed replica."""

    due: float
    """When its next poll was due, but no earlier than the kill: Unix time in seconds."""
    polled: float | None
    """When another replica first polled it, if one did."""


def take_overs(calls: Sequence[Call], killed: str, moment: float, interval: float) -> dict[str, TakeOver]:
    """Return what happened to each source of a killed replica.

    Parameters
    ----------
    calls
        All.
    killed
        The replica, by the access key of its calls.
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
