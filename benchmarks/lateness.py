"""How late polls are: by the data plane's times, and by the operator's own histogram."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from benchmarks.quantiles import bound_without_jitter, quantile
from sandbox.processes.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME = "appconfig_operator_poll_lateness_seconds"
_BUCKET = re.compile(rf'^{_NAME}_bucket\{{(?:[^}}]*,)?le="([^"]+)"[^}}]*\}} (\S+)$', re.MULTILINE)
_TIMEOUT = 5.0

Buckets = dict[float, float]
"""The number of polls that were at most that late, by seconds."""


def observed(excesses: Sequence[float], jitter: float) -> dict[str, float]:
    """Summarize how much longer than the interval the waits for polls were, in seconds.

    Parameters
    ----------
    excesses
        One for each poll.
    jitter
        The maximum that the operator adds to the interval to spread polls.
    """
    if not excesses:
        return {}
    return {
        "lateness_polls": len(excesses),
        "lateness_mean": sum(excesses) / len(excesses) - jitter / 2,
        "lateness_p50": bound_without_jitter(excesses, jitter, 0.5),
        "lateness_p99": bound_without_jitter(excesses, jitter, 0.99),
        "excess_least": min(excesses),
        "excess_p50": quantile(excesses, 0.5),
        "excess_p99": quantile(excesses, 0.99),
        "excess_most": max(excesses),
    }


def buckets(text: str) -> Buckets:
    """Read the operator's histogram from its metrics, summed over all labels."""
    found: Buckets = {}
    for bound, value in _BUCKET.findall(text):
        found[float(bound)] = found.get(float(bound), 0.0) + float(value)
    return found


def read(port: int) -> Buckets:
    """Get the histogram of an operator; empty if it has none."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=_TIMEOUT) as answer:
            return buckets(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return {}


def since(before: Mapping[float, float], now: Mapping[float, float]) -> Buckets:
    """Subtract what was counted before."""
    return {bound: count - before.get(bound, 0.0) for bound, count in now.items()}


def own_quantile(histogram: Mapping[float, float], share: float) -> float:
    """Return the upper bound of the bucket that contains a quantile."""
    total = max(histogram.values())
    return min(bound for bound, count in histogram.items() if count >= share * total)
