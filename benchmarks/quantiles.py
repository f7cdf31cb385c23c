"""Statistics of samples. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS = 400
_FEWEST = 5
"""The minimum number of samples above a quantile: with fewer, it would depend on one or two of them."""


def quantile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least a share of all samples do not exceed.

    Raises
    ------
    ValueError
        If there are no samples.
    """
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def bound_without_jitter(samples: Sequence[float], jitter: float, share: float) -> float:
    """Bound a quantile of samples to which a jitter was added.

    Each sample is a lateness L of at least 0 plus a jitter J, independent of it and uniform from 0 to `jitter`; only
    the sum S is observed. For any d up to `jitter`, P(S > jitter - d + t) >= P(L > t) * P(J > jitter - d), and the last
    factor is d / jitter. So P(L > t) <= P(S > jitter - d + t) * jitter / d, and with t = Q(1 - (1 - share) * d /
    jitter) - jitter + d, where Q are the quantiles of S, the right side is at most 1 - share. The smallest such t over
    d is returned: `share` of all L do not exceed it.

    Parameters
    ----------
    samples
        The sums.
    jitter
        The greatest jitter.
    share
        Such as 0.99.

    Returns
    -------
    float
        The bound, at least 0.
    """
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    bounds = []
    for step in range(1, _STEPS + 1):
        beyond = (1 - share) * step / _STEPS
        if beyond * len(ordered) >= _FEWEST or step == _STEPS:
            bounds.append(quantile(ordered, 1 - beyond) - jitter + jitter * step / _STEPS)
    return max(0.0, min(bounds))
