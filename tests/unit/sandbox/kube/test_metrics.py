"""The API server's own count of requests."""

from __future__ import annotations

from sandbox.kube.metrics import RequestCount, parse_request_total

METRICS = """# HELP apiserver_request_total [STABLE] Counter of apiserver requests
# TYPE apiserver_request_total counter
apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="configmaps",scope="resource",\
subresource="",verb="POST",version="v1"} 3
apiserver_request_total{code="200",component="apiserver",dry_run="All",group="apps",resource="deployments",\
scope="resource",subresource="status",verb="APPLY",version="v1"} 1.2e+06
apiserver_request_total{code="0",component="apiserver",dry_run="",group="",resource="pods",scope="cluster",\
subresource="",verb="WATCH",version="v1"} 7
apiserver_request_terminations_total{code="504",component="apiserver",verb="POST"} 9
"""


def test_all_samples_are_read_and_no_other() -> None:
    first, second, third = parse_request_total(METRICS)
    assert first == RequestCount(
        verb="POST",
        group="",
        resource="configmaps",
        subresource="",
        scope="resource",
        code=201,
        dry_run=False,
        count=3,
    )
    assert (second.group, second.subresource, second.dry_run, second.count) == ("apps", "status", True, 1_200_000)
    assert third.code == 0


def test_writes_are_told_from_reads() -> None:
    assert [sample.write for sample in parse_request_total(METRICS)] == [True, True, False]


def test_an_escaped_quote_does_not_end_a_label() -> None:
    value = r"a\",verb=\"x"
    text = METRICS.splitlines()[2].replace('group=""', f'group="{value}"')
    (sample,) = parse_request_total(text)
    assert (sample.group, sample.verb) == (value, "POST")
