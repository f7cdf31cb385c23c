from __future__ import annotations

from benchmarks import goals, pages
from benchmarks.catalogue import CATALOGUE, SIZES, WINDOW_SECONDS, steps
from benchmarks.goals import Observations
from benchmarks.pages import curves, plots
from benchmarks.scenarios.held import SCENARIOS
from benchmarks.steps import Step

AT = {
    "idle_bytes": 90e6,
    "sync_seconds": 8.0,
    "sync_cpu": 6.0,
    "window_seconds": 126.0,
    "window_polls": 2000.0,
    "window_cpu": 4.0,
    "poll_cpu": 0.002,
    "replay_cpu": 0.0016,
    "window_writes": 0.0,
    "window_reads": 0.0,
    "fresh_bytes": 100e6,
    "restarted_bytes": 101e6,
    "lateness_polls": 2000.0,
    "lateness_p50": 0.01,
    "lateness_p99": 0.02,
    "deployments": 1000.0,
    "deploy_p50": 0.02,
    "deploy_p99": 0.1,
    "deploy_max": 0.3,
    "restart_sessions": 0.0,
    "restart_early": 0.0,
    "restart_unpolled": 0.0,
    "restart_writes": 0.0,
    "restart_reads": 0.0,
}
ROUNDS = {
    "loop_work": [9.0, 8.0],
    "loop_whole": [10.0, 9.0],
    "loop_cpu": [6.0, 6.0],
    "operator_work": [12.0, 9.6],
    "operator_whole": [13.0, 11.0],
    "operator_cpu": [7.0, 7.0],
}
TAKE_OVER = {
    "take_over": 16.0,
    "shards_taken": 15.0,
    "first_take_over": 15.0,
    "orphans": 333.0,
    "orphans_left": 0.0,
    "shared_before": 0.0,
    "shared_after": 0.0,
}
HELD = {"one_bytes": 80e6, "settled_bytes": 95e6, "after_bytes": 96e6, "peak_bytes": 200e6}

BESIDE = {
    "lateness_polls": 1200.0,
    "lateness_p99": 0.3,
    "new": 12.0,
    "new_longest": 2.5,
    "changes": 12.0,
    "change_longest": 0.4,
}


def seen() -> Observations:
    scale = {size: {**AT, "sync_seconds": size / 100, "fresh_bytes": 100e6 + 5000 * size} for size in SIZES}
    held = {name: dict(HELD) for name, benchmark in CATALOGUE.items() if benchmark.held}
    return Observations(scale, dict(ROUNDS), dict(TAKE_OVER), {"hang": dict(BESIDE)}, held)


def test_each_benchmark_gives_figures_with_its_name() -> None:
    for name, benchmark in CATALOGUE.items():
        figures = benchmark.figures(seen())
        assert figures
        assert {figure.only for figure in figures} == {name}
        assert {figure.how != "" for figure in figures} == {True}


def test_names_of_figures_differ() -> None:
    figures = [figure.figure for benchmark in CATALOGUE.values() for figure in benchmark.figures(seen())]
    assert len(figures) == len(set(figures))


def test_ratios_are_of_the_fastest_rounds() -> None:
    (figure,) = goals.first_sync(seen())
    assert (figure.reached, figure.ok) == (1.2, True)


def test_memory_may_grow_by_10_kb_a_source() -> None:
    reached = {figure.figure: (figure.reached, figure.goal) for figure in goals.memory(seen())}
    assert reached["resident memory, no sources"] == (90.0, 110.0)
    assert reached["resident memory, 10,000 sources, after the first sync"] == (150.0, 210.0)


def test_a_source_that_two_poll_misses_the_goal() -> None:
    both = seen()
    both.take_over["shared_before"] = 3.0
    assert [figure.ok for figure in goals.take_over(both)] == [True, True, True, False]


def test_neighbours_are_told_by_storm() -> None:
    late, new, change = goals.neighbours(seen())
    assert [figure.ok for figure in (late, new, change)] == [True, False, True]
    assert late.figure == "lateness of polls, p99, next to 1,000 sources that hang"
    assert (late.n, late.raw) == (1200, BESIDE)


def test_growth_is_ten_times_the_sources() -> None:
    figures = {figure.figure: figure for figure in goals.growth(seen())}
    assert figures["first sync: 10,000 ÷ 1,000 sources"].reached == 10.0
    assert figures["first sync: 10,000 ÷ 1,000 sources"].ok
    assert curves(figures.values())["first sync"] == {100.0: 1.0, 1000.0: 10.0, 10_000.0: 100.0}
    assert len(plots(list(figures.values()))) == 4


def test_a_size_that_was_not_restarted_has_no_such_point() -> None:
    fewer = seen()
    for name in ("restarted_bytes", "deploy_p99"):
        del fewer.scale[100][name]
    drawn = curves(goals.growth(fewer))
    assert list(drawn["memory after a restart"]) == [1000.0, 10_000.0]
    assert list(drawn["memory after the first sync"]) == [100.0, 1000.0, 10_000.0]


def test_the_operators_own_histogram_is_told_where_there_is_one() -> None:
    with_it = seen()
    with_it.scale[10_000]["own_lateness_p99"] = 0.05
    assert len(goals.lateness(with_it)) == len(goals.lateness(seen())) + 1


def test_each_size_is_run_once_with_all_that_is_wanted() -> None:
    assert steps(["unchanged-poll", "deployment"]) == {1000: {Step.WINDOW, Step.REPLAY, Step.DEPLOY}}
    assert list(steps(CATALOGUE)) == list(SIZES) == list(WINDOW_SECONDS)
    assert steps(["first-sync"]) == {}


def test_the_document_shows_plots_only_where_growth_was_measured() -> None:
    assert "plots/memory.svg" in pages.generated(goals.growth(seen()))
    assert "plots/" not in pages.generated(goals.first_sync(seen()))
    assert set(plots(goals.growth(seen()))) == set(pages.TITLES)


def test_memory_beside_large_and_hostile_objects() -> None:
    reached = {
        figure.only: figure.reached for name in seen().held for figure in reversed(CATALOGUE[name].figures(seen()))
    }
    assert reached == {
        "refused-content": 15.0,
        "hostile-configmaps": 200.0,
        "large-documents": 200.0,
        "identities": 16.0,
    }
    assert set(SCENARIOS) == set(seen().held)
