"""How late polls are, as seen by the operator and from outside."""

from __future__ import annotations

from benchmarks import lateness

METRICS = """
# TYPE appconfig_operator_poll_lateness_seconds histogram
appconfig_operator_poll_lateness_seconds_bucket{le="0.01"} 90.0
appconfig_operator_poll_lateness_seconds_bucket{le="0.1"} 99.0
appconfig_operator_poll_lateness_seconds_bucket{le="+Inf"} 100.0
appconfig_operator_poll_lateness_seconds_sum 3.0
"""


def test_own_histogram() -> None:
    reported = lateness.buckets(METRICS)
    assert reported == {0.01: 90.0, 0.1: 99.0, float("inf"): 100.0}
    assert [lateness.own_quantile(reported, share) for share in (0.5, 0.99, 1.0)] == [0.01, 0.1, float("inf")]
    assert lateness.since({0.01: 90.0}, reported)[0.01] == 0.0
    assert lateness.buckets("") == {}


def test_lateness_is_summed_up() -> None:
    summed = lateness.observed([0.0, 1.0, 2.0, 3.0], 3.0)
    assert (summed["excess_least"], summed["excess_most"], summed["lateness_mean"]) == (0.0, 3.0, 0.0)
    assert lateness.observed([], 3.0) == {}
