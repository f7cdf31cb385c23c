"""Figures for the operator's memory with large, refused and hostile objects. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Figure

if TYPE_CHECKING:
    from benchmarks.goals import Observations, Observed

MEGABYTE = 1_000_000
REFUSED_MB = 20.0
FLAT_MB = 2.0
IDENTITIES_MB = 150.0
HOSTILE_MB = 250.0
LIMIT_MB = 512 * 1.048576
"""The limit that the chart and the manifests set."""


def refused(seen: Observations) -> list[Figure]:
    """Return how much memory refused documents leave behind."""
    at = seen.held["refused-content"]
    how = (
        "VmRSS: with one source with a written document of this size, with 300 refused ones when each was polled "
        "twice, and 1,000 polls later."
    )
    words = "resident memory, 300 sources with refused documents of 900 KB"
    more, grown = at["settled_bytes"] - at["one_bytes"], at["after_bytes"] - at["settled_bytes"]
    return [
        Figure(
            f"{words}, minus that of one that is written",
            "MB",
            _megabytes(more),
            REFUSED_MB,
            how,
            "refused-content",
            300,
            dict(at),
        ),
        Figure("the same: growth over 1,000 polls", "MB", _megabytes(grown), FLAT_MB, how, "refused-content", 1000),
    ]


def hostile(seen: Observations) -> list[Figure]:
    """Return the peak of a start with objects that others have filled."""
    at = seen.held["hostile-configmaps"]
    how = "VmHWM, ten seconds after the first source was synced."
    figure = "peak memory of a start with 500 ConfigMaps with the operator's label and 1.2 MB of finalizers each"
    return [Figure(figure, "MB", _peak(at), HOSTILE_MB, how, "hostile-configmaps", 500, dict(at))]


def large(seen: Observations) -> list[Figure]:
    """Return the peak of a first sync of large documents."""
    at = seen.held["large-documents"]
    how = "VmHWM, when the status of each was written. The goal is the limit that the chart sets."
    figure = "peak memory of a first sync of 30 YAML documents of 0.6 MB"
    return [Figure(figure, "MB", _peak(at), LIMIT_MB, how, "large-documents", 30, dict(at))]


def identities(seen: Observations) -> list[Figure]:
    """Return how much memory identities take."""
    at = seen.held["identities"]
    how = "VmRSS of a process after its first identity's poll by HTTPS, and after one poll of each of the others."
    figure = "resident memory, 1,000 identities, minus that of one"
    more = _megabytes(at["after_bytes"] - at["one_bytes"])
    return [Figure(figure, "MB", more, IDENTITIES_MB, how, "identities", 1000, dict(at))]


def _peak(at: Observed) -> float:
    return _megabytes(at["peak_bytes"])


def _megabytes(reached: float) -> float:
    return float(f"{reached / MEGABYTE:.4g}")
