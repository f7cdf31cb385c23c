"""From observations to figures and their goals. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.data_plane.service import POLL_INTERVAL
from benchmarks.figures import Figure
from benchmarks.storms import STORMS

Observed = dict[str, float]

MEGABYTE = 1_000_000
RAW_LOOP_RATIO = 1.25
POLL_RATIO = 1.3
POLL_CPU_MS = 4.2
"""The value of External Secrets Operator 2.9, for a refresh with nothing changed."""
BASE_MB, SOURCE_MB = 110.0, 0.010
LATENESS_SECONDS = 1.0
DEPLOYMENT_MS = 150.0
GUEST_SECONDS = 2.0
"""For a new source, or a change: its own calls and writes take about 50 ms of it here."""
TAKE_OVER_SECONDS = 20.0
"""The duration of a lease, 15 s, plus 5 s."""
TENFOLD = 11.0
"""Ten times the sources may cost ten times as much, plus a tenth for noise."""

_ONE_MINUTE = "in the first minute after a rolling update, 1,000 sources"

GROWING = {
    "first sync": ("s", "sync_seconds"),
    "CPU time of the first sync": ("s", "sync_cpu"),
    "CPU time of all unchanged polls in a minute": ("s", "minute_cpu"),
    "memory after the first sync": ("MB", "fresh_mb"),
    "memory after a restart": ("MB", "restarted_mb"),
}
"""What may grow with the number of sources: its unit, and its name in the observations."""

LEVEL = {
    "lateness of polls by the operator's own histogram, p99": ("ms", "own_lateness_p99_ms"),
    "deployment to ConfigMap, p99": ("ms", "deploy_p99_ms"),
    "CPU time of an unchanged poll": ("ms", "poll_cpu_ms"),
}
"""What must not grow at all; only plotted, because each has its own goal."""


@dataclass
class Observations:
    """The observations."""

    scale: dict[int, Observed] = field(default_factory=dict)
    """By the number of sources."""
    first_sync: dict[str, list[float]] = field(default_factory=dict)
    take_over: Observed = field(default_factory=dict)
    neighbours: dict[str, Observed] = field(default_factory=dict)
    """By the name of the storm."""
    held: dict[str, Observed] = field(default_factory=dict)
    """By the name of the benchmark."""


def first_sync(seen: Observations) -> list[Figure]:
    """Compare the fastest rounds: disturbances only make a round longer."""
    rounds = seen.first_sync
    ratio = min(rounds["operator_work"]) / min(rounds["loop_work"])
    how = (
        "From the first call to AWS to the answer to the last status write, both observed from outside; the fastest of "
        "several rounds of each, run alternately."
    )
    figure = "first sync of 1,000 sources ÷ a bare loop with the same calls and threads"
    return [
        Figure(figure, "", _round(ratio), RAW_LOOP_RATIO, how, "first-sync", len(rounds["loop_work"]), dict(rounds))
    ]


def unchanged_poll(seen: Observations) -> list[Figure]:
    """Compare the CPU time of a poll with that of the same call in a bare loop."""
    at = seen.scale[1000]
    how = "CPU time of the whole process over a window, divided by the polls in it; the loop replays the same polls."
    polls = int(at["window_polls"])
    return [
        Figure(
            "CPU time of an unchanged poll ÷ a bare boto3 loop, 1,000 sources every 60 s",
            "",
            _round(at["poll_cpu"] / at["replay_cpu"]),
            POLL_RATIO,
            how,
            "unchanged-poll",
            polls,
            _some(at, "poll_cpu", "replay_cpu", "replay_polls", "window_seconds"),
        ),
        Figure(
            "CPU time of an unchanged poll, 1,000 sources every 60 s",
            "ms",
            _round(1000 * at["poll_cpu"]),
            POLL_CPU_MS,
            how,
            "unchanged-poll",
            polls,
        ),
    ]


def requests(seen: Observations) -> list[Figure]:
    """Count requests in the audit log of the API server."""
    at = seen.scale[1000]
    how = "Audit log of the API server, by user. Leases and the Secrets for the handover of sessions are not included."
    polls = int(at["window_polls"])
    found = []
    for kind, words in (("writes", "writes at the API server"), ("reads", "reads of single objects")):
        raw = _some(at, "window_requests", "window_handed_over", "window_polls")
        found.append(
            Figure(f"{words} for an unchanged poll", "", at[f"window_{kind}"] / polls, 0.0, how, "requests", polls, raw)
        )
    for kind, words in (("writes", "writes at the API server"), ("reads", "reads of single objects")):
        raw = _some(at, "restart_requests", "restart_handed_over")
        figure = f"{words} after a restart with nothing changed, 1,000 sources"
        found.append(Figure(figure, "", at[f"restart_{kind}"], 0.0, how, "requests", 1000, raw))
    return found


def rolling_update(seen: Observations) -> list[Figure]:
    """Count the calls to AWS after a second replica has started and the first got SIGTERM."""
    at = seen.scale[1000]
    how = "Counted by the data plane, starting with the SIGTERM to the first replica."
    raw = _some(at, "restart_stop_seconds", "restart_contents", "restart_cpu")
    kinds = {
        "restart_sessions": f"StartConfigurationSession {_ONE_MINUTE}",
        "restart_early": f"polls before they were due {_ONE_MINUTE}",
        "restart_unpolled": f"sources not polled {_ONE_MINUTE}",
    }
    return [Figure(words, "", at[key], 0.0, how, "rolling-update", 1000, raw) for key, words in kinds.items()]


def memory(seen: Observations) -> list[Figure]:
    """Return the memory of the process."""
    how = "VmRSS of the process, after each source was polled at least twice."
    found = [_megabytes("no sources", seen.scale[100]["idle_bytes"], 0, how)]
    for size in (1000, 10_000):
        at = seen.scale[size]
        found.append(_megabytes(f"{size:,} sources, after the first sync", at["fresh_bytes"], size, how))
        found.append(_megabytes(f"{size:,} sources, after a restart", at["restarted_bytes"], size, how))
    return found


def _megabytes(what: str, reached: float, size: int, how: str) -> Figure:
    goal = _round(BASE_MB + SOURCE_MB * size)
    return Figure(f"resident memory, {what}", "MB", _round(reached / MEGABYTE), goal, how, "memory", size)


def lateness(seen: Observations) -> list[Figure]:
    """Return how late polls are, as seen by AWS and, if available, as reported by the operator."""
    at = seen.scale[10_000]
    how = (
        "From the data plane: the time between two polls of a session, minus the interval and the jitter that spreads "
        "polls, as a bound (benchmarks/quantiles.py)."
    )
    raw = {name: value for name, value in at.items() if name.startswith(("lateness", "excess"))}
    polls = int(at["lateness_polls"])
    found = [
        Figure(
            f"lateness of polls, 10,000 sources every 60 s, {share}",
            "s",
            _round(at[f"lateness_{share}"]),
            LATENESS_SECONDS,
            how,
            "lateness",
            polls,
            raw if share == "p99" else {},
        )
        for share in ("p50", "p99")
    ]
    if "own_lateness_p99" in at:
        figure = "the same by the operator's own histogram, p99"
        how = "appconfig_operator_poll_lateness_seconds: the upper bound of its bucket."
        found.append(Figure(figure, "s", at["own_lateness_p99"], LATENESS_SECONDS, how, "lateness", polls))
    return found


def deployment(seen: Observations) -> list[Figure]:
    """Return how long a version takes from the poll that returned it to its ConfigMap."""
    at = seen.scale[1000]
    how = "From the poll that got the new version (data plane) to the answer to the write of its ConfigMap (audit log)."
    raw = {name: _round(1000 * at[name]) for name in ("deploy_p50", "deploy_p99", "deploy_max")}
    figure = "end of a deployment to 200 of 1,000 sources to the ConfigMap, beyond the wait for the next poll, p99"
    reached = raw["deploy_p99"]
    return [Figure(figure, "ms", reached, DEPLOYMENT_MS, how, "deployment", int(at["deployments"]), dict(raw))]


def take_over(seen: Observations) -> list[Figure]:
    """Return how soon other replicas poll the sources of a killed one."""
    at = seen.take_over
    how = "Three replicas, --shards=6, kill -9 of the one with the most sources, observed by who calls the data plane."
    names = ("replicas_with_sources", "most_share", "first_take_over", "last_take_over", "early")
    orphans = int(at["orphans"])
    by_two = at["shared_before"] + at["shared_after"]
    raw = _some(at, *names)
    figure = "kill -9 of one of three replicas, 1,000 sources: until the others hold all its shards"
    # It is unknown when a killed replica last polled: its sources are spread over one interval, as after a restart.
    longest = "the same: the longest time that one of its sources was overdue (goal: 20 s plus one interval)"
    overdue = TAKE_OVER_SECONDS + POLL_INTERVAL
    return [
        Figure(figure, "s", _round(at["shards_taken"]), TAKE_OVER_SECONDS, how, "take-over", orphans, raw),
        Figure(longest, "s", _round(at["take_over"]), overdue, how, "take-over", orphans),
        Figure("sources that no replica polled afterwards", "", at["orphans_left"], 0.0, how, "take-over", orphans),
        Figure("sources polled by two replicas, before or after", "", by_two, 0.0, how, "take-over", 1000),
    ]


def neighbours(seen: Observations) -> list[Figure]:
    """Return how long sources in some namespaces wait during a storm in another one."""
    late = (
        "From the data plane: from the moment that a poll was due, by the poll before, to its arrival, minus the "
        "jitter, as a bound (benchmarks/quantiles.py). Polls that never came count as well (benchmarks/polls.py)."
    )
    waited = "From the answer to the write of the spec to Ready with its generation, at the API server; the longest."
    found = []
    for name, at in seen.neighbours.items():
        beside = f"next to {STORMS[name].words}"
        for what, key, goal, how, count in (
            (f"lateness of polls, p99, {beside}", "lateness_p99", LATENESS_SECONDS, late, "lateness_polls"),
            (f"a new source in another namespace until Ready, {beside}", "new_longest", GUEST_SECONDS, waited, "new"),
            (f"a change of a spec until Ready, {beside}", "change_longest", GUEST_SECONDS, waited, "changes"),
        ):
            raw = {seen_as: _round(value) for seen_as, value in at.items()} if key == "lateness_p99" else {}
            found.append(Figure(what, "s", _round(at[key]), goal, how, "neighbours", int(at[count]), raw))
    return found


def growth(seen: Observations) -> list[Figure]:
    """Return how much more ten times the number of sources costs."""
    how = "What 10,000 sources cost, divided by what 1,000 cost."
    curves = curves_of(seen)
    return [
        Figure(
            f"{what}: 10,000 ÷ 1,000 sources",
            "",
            _round(curves[what]["10000"] / curves[what]["1000"]),
            TENFOLD,
            how,
            "growth",
            3,
            {"unit": unit, "curve": curves[what], "level": {name: curves[name] for name in LEVEL if name in curves}},
        )
        for what, (unit, _) in GROWING.items()
    ]


def curves_of(seen: Observations) -> dict[str, dict[str, float]]:
    """Return each quantity by the number of sources."""
    derived = {size: at | _derived(at) for size, at in sorted(seen.scale.items())}
    return {
        what: {str(size): _round(at[name]) for size, at in derived.items() if name in at}
        for what, (_, name) in (GROWING | LEVEL).items()
        if any(name in at for at in derived.values())
    }


def _derived(at: Observed) -> Observed:
    megabytes = {"fresh_mb": "fresh_bytes", "restarted_mb": "restarted_bytes"}
    milliseconds = ("poll_cpu", "deploy_p99", "own_lateness_p99")
    return {
        "minute_cpu": 60 * at["window_cpu"] / at["window_seconds"],
        **{name: at[seen] / MEGABYTE for name, seen in megabytes.items() if seen in at},
        **{f"{name}_ms": 1000 * at[name] for name in milliseconds if name in at},
    }


def _some(at: Observed, *names: str) -> dict[str, float]:
    return {name: _round(at[name]) for name in names if name in at}


def _round(value: float) -> float:
    """Keep about four digits: more would only be noise."""
    return float(f"{value:.4g}")
