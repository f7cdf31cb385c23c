from __future__ import annotations

import pytest

from benchmarks import polls
from benchmarks.data_plane import Call, Operation, Outcome
from benchmarks.polls import TakeOver, Window


def poll(
    time: float, profile: str = "a", session: int = 1, caller: str = "one", outcome: str = Outcome.UNCHANGED
) -> Call:
    return Call(time, caller, Operation.LATEST, profile, session, outcome)


def test_excess_is_what_a_session_waits_beyond_the_interval() -> None:
    calls = [poll(0), poll(10, session=2), poll(61), poll(72.5, session=2), poll(122)]
    assert polls.excesses(calls, Window(50, 100), 60) == pytest.approx([1.0, 2.5])


def test_excess_is_not_told_of_polls_that_were_refused() -> None:
    calls = [poll(0), poll(30, outcome=Outcome.EARLY), poll(60.5)]
    assert polls.excesses(calls, Window(0, 100), 60) == pytest.approx([0.5])


def test_what_comes_late_stands_for_all_that_did_not_come() -> None:
    calls = [poll(0), poll(10.5), poll(41.0), poll(51.0)]
    late = polls.overdue(calls, Window(5, 50), 60, 10)
    assert late == pytest.approx([0.5, 20.5, 10.5, 0.5])


def test_what_never_comes_is_late_until_nobody_looks() -> None:
    calls = [poll(0), poll(10), poll(0, "b"), poll(99, "b")]
    assert polls.overdue(calls, Window(15, 25), 30, 10) == pytest.approx([10.0, 10.0])


def test_schedule_has_the_polls_of_a_window_only() -> None:
    calls = [poll(9.0), poll(10.0, "b"), poll(12.5, "c"), Call(13.0, "one", Operation.START, "d", 4, Outcome.STARTED)]
    assert polls.schedule(calls, Window(10, 20)) == [(0.0, "b"), (2.5, "c")]


def test_callers_of_each_profile() -> None:
    calls = [poll(1), poll(2, caller="two"), poll(3, "b"), poll(99, "b", caller="two")]
    assert polls.callers(calls, Window(0, 10)) == {"a": {"one", "two"}, "b": {"one"}}


def test_counts_outcomes() -> None:
    calls = [poll(1), poll(2, outcome=Outcome.EARLY), poll(3, outcome=Outcome.CONTENT)]
    assert [polls.count(calls, outcome) for outcome in (Outcome.EARLY, Outcome.STARTED)] == [1, 0]
    assert polls.polls(calls) == [calls[0], calls[2]]


def test_take_over_of_each_source_that_the_killed_replica_had_last() -> None:
    calls = [
        poll(0, "moved", caller="killed"),
        poll(50, "moved", caller="two"),
        poll(10, "soon due", caller="killed"),
        poll(90, "late due", caller="killed"),
        poll(5, "lost", caller="killed"),
        poll(101, "soon due", caller="killed"),
        poll(118, "soon due", caller="two"),
        poll(119, "late due", caller="two"),
        poll(125, "soon due", caller="two"),
    ]
    assert polls.take_overs(calls, "killed", moment=100, interval=60) == {
        "soon due": TakeOver(due=100, polled=118),
        "late due": TakeOver(due=150, polled=119),
        "lost": TakeOver(due=100, polled=None),
    }
