"""Metrics: what is counted under which name and labels, and that labels stay few."""

from __future__ import annotations

import threading
from timeit import repeat
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.core.status.state import State
from appconfig_operator.telemetry.gauges import Gauges
from appconfig_operator.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "appconfig_operator_"
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Scrape: values by name and the values of the labels, in the order of the names of the labels."""
    families = text_string_to_metric_families(metrics.page().body.decode())
    return {
        (sample.name.removeprefix(PREFIX), *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def changed(metrics: Metrics, act: Callable[[], None]) -> dict[tuple[str, ...], float]:
    """Return what an act adds to the metrics of the operator's own, without the buckets."""
    before = samples(metrics)
    act()
    return {
        key: value - before.get(key, 0.0)
        for key, value in samples(metrics).items()
        if value != before.get(key, 0.0) and not key[0].startswith(("python_", "process_")) and "_bucket" not in key[0]
    }


def test_a_poll(metrics: Metrics) -> None:
    assert changed(metrics, lambda: metrics.polled(PollResult.UNCHANGED, 0.25, 0.5, slow=False)) == {
        ("polls_total", "Unchanged"): 1,
        ("poll_duration_seconds_count",): 1,
        ("poll_duration_seconds_sum",): 0.25,
        ("poll_lateness_seconds_count", "quick"): 1,
        ("poll_lateness_seconds_sum", "quick"): 0.5,
    }


@pytest.mark.parametrize("result", PollResult)
def test_results_begin_at_0(metrics: Metrics, result: PollResult) -> None:
    assert samples(metrics)["polls_total", result] == 0
    assert changed(metrics, lambda: metrics.polled(result, 0, 0, slow=False)) == {
        ("polls_total", result): 1,
        ("poll_duration_seconds_count",): 1,
        ("poll_lateness_seconds_count", "quick"): 1,
    }


def test_a_result_that_nobody_knows_makes_no_series(metrics: Metrics) -> None:
    before = samples(metrics).keys()
    with pytest.raises(KeyError):
        metrics.polled("hunter2", 0, 0, slow=False)  # type: ignore[arg-type]
    assert samples(metrics).keys() == before


def test_a_source_that_was_deleted_meanwhile_is_no_error(metrics: Metrics) -> None:
    found = changed(metrics, lambda: metrics.polled(PollResult.GONE, 0, 0, slow=False))
    assert found["polls_total", "Gone"] == 1
    assert ("polls_total", "Error") not in found


def test_lateness_below_and_above_a_second_can_be_told_apart(metrics: Metrics) -> None:
    metrics.polled(PollResult.UNCHANGED, 0, 0.99, slow=True)
    metrics.polled(PollResult.UNCHANGED, 0, 1.01, slow=True)
    buckets = {
        float(key[1]): value
        for key, value in samples(metrics).items()
        if key[0] == "poll_lateness_seconds_bucket" and key[2] == "slow"
    }
    assert (buckets[0.75], buckets[1], buckets[1.5]) == (0, 1, 2)
    assert (min(buckets), sorted(buckets)[-2]) == (0.001, 60)


def test_what_was_received(metrics: Metrics) -> None:
    assert changed(metrics, lambda: metrics.received(1000)) == {
        ("configurations_received_total",): 1,
        ("received_bytes_total",): 1000,
    }


@pytest.mark.parametrize("policy", CreationPolicy)
def test_writes(metrics: Metrics, policy: CreationPolicy) -> None:
    assert samples(metrics)["config_map_writes_total", policy] == 0
    assert changed(metrics, lambda: metrics.wrote(policy)) == {("config_map_writes_total", policy): 1}


@pytest.mark.parametrize(
    ("operation", "code", "labels"),
    [
        ("GetLatestConfiguration", 200, ("200", "GetLatestConfiguration")),
        ("StartConfigurationSession", 418, ("418", "StartConfigurationSession")),
        ("AssumeRole", None, ("none", "AssumeRole")),
        ("AssumeRoleWithWebIdentity", 403, ("403", "AssumeRoleWithWebIdentity")),
        ("GetRoleCredentials", 200, ("200", "other")),
        ("GetLatestConfiguration", 799, ("other", "GetLatestConfiguration")),
    ],
)
def test_a_call_to_aws(metrics: Metrics, operation: str, code: int | None, labels: tuple[str, str]) -> None:
    assert changed(metrics, lambda: metrics.called_aws(operation, code, 0.5)) == {
        ("aws_requests_total", *labels): 1,
        ("aws_request_duration_seconds_count", labels[1]): 1,
        ("aws_request_duration_seconds_sum", labels[1]): 0.5,
    }


@pytest.mark.parametrize("code", ["200", "400", "403", "500", "none"])
def test_calls_to_aws_begin_at_0(metrics: Metrics, code: str) -> None:
    assert samples(metrics)["aws_requests_total", code, "GetLatestConfiguration"] == 0


@pytest.mark.parametrize(("code", "label"), [(201, "201"), (None, "none"), (999, "other")])
def test_a_call_to_kubernetes(metrics: Metrics, code: int | None, label: str) -> None:
    expected = {("kubernetes_requests_total", label, "configmaps", "create"): 1}
    for _ in range(2):
        assert changed(metrics, lambda: metrics.called_kubernetes("create", "configmaps", code)) == expected


def test_any_answer_makes_few_series(metrics: Metrics) -> None:
    for code in range(1000):
        metrics.called_aws(f"Operation{code}", code, 0)
        metrics.called_kubernetes("get", "configmaps", code)
    names = [key[0] for key in samples(metrics)]
    assert names.count("aws_requests_total") < 100
    assert names.count("kubernetes_requests_total") < 70


def test_threads_lose_no_count(metrics: Metrics) -> None:
    def work() -> None:
        for number in range(2000):
            metrics.polled(PollResult.UNCHANGED, 0, 0, slow=False)
            metrics.called_kubernetes("get", "configmaps", 200 + number % 5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = samples(metrics)
    assert found["polls_total", "Unchanged"] == 8000
    assert sum(value for key, value in found.items() if key[0] == "kubernetes_requests_total") == 8000


def gauges() -> Gauges:
    return Gauges(
        sources={State.READY: 7, State.STALLED: 2},
        sources_known=20,
        queue_depth=3,
        shards=4,
        shards_held=2,
        replicas=2,
        endpoints_paused=6,
        heartbeats={"scheduler": 0.5, "shards": 1.5},
        lease_remaining=9.5,
        refused={("watch", "appconfigsources"): 3},
    )


def test_a_poll_that_was_not_made(metrics: Metrics) -> None:
    assert changed(metrics, metrics.paused) == {("polls_paused_total",): 1}


def test_gauges(metrics: Metrics) -> None:
    assert changed(metrics, lambda: metrics.watch(gauges)) == {
        ("sources", "Ready"): 7,
        ("sources", "Stalled"): 2,
        ("sources_known",): 20,
        ("queue_depth",): 3,
        ("shards",): 4,
        ("shards_held",): 2,
        ("replicas",): 2,
        ("endpoints_paused",): 6,
        ("heartbeat_age_seconds", "scheduler"): 0.5,
        ("heartbeat_age_seconds", "shards"): 1.5,
        ("lease_remaining_seconds",): 9.5,
        ("refused", "appconfigsources", "watch"): 3,
    }


def test_each_state_is_there(metrics: Metrics) -> None:
    metrics.watch(gauges)
    assert {key[1] for key in samples(metrics) if key[0] == "sources"} == set(State)


def test_gauges_are_asked_at_each_scrape_and_only_then(metrics: Metrics) -> None:
    standing = [Gauges(queue_depth=1), Gauges(queue_depth=2, lease_remaining=3.0), Gauges(queue_depth=5)]
    answers = iter(standing)
    metrics.watch(lambda: next(answers))
    found = [samples(metrics) for _ in standing]
    assert [each["queue_depth",] for each in found] == [1, 2, 5]
    # Nothing is left of a Lease that was given away.
    assert [("lease_remaining_seconds",) in each for each in found] == [False, True, False]


def test_surroundings(metrics: Metrics) -> None:
    found = samples(metrics)
    assert next(key for key in found if key[0] == "build_info")[2] == "1.2.3"
    assert found["process_resident_memory_bytes",] > 0
    assert any(key[0] == "python_info" for key in found)
    assert any(key[0] == "python_gc_collections_total" for key in found)


def test_the_registry_is_its_own() -> None:
    one, other = Metrics("1"), Metrics("1")
    one.received(1)
    assert samples(other)["configurations_received_total",] == 0
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith(PREFIX)]


@pytest.mark.parametrize(("accept", "last"), [("", b"\n"), ("text/plain", b"\n"), (OPENMETRICS, b"# EOF\n")])
def test_formats(metrics: Metrics, accept: str, last: bytes) -> None:
    page = metrics.page(accept)
    assert page.content_type.startswith(accept.partition(";")[0] or "text/plain")
    assert page.body.endswith(last)
    assert b"_created" not in page.body


def test_cost(metrics: Metrics) -> None:
    """A poll that brings nothing takes 1.5 ms: to count it must not show. It takes 4 µs; the bound is for slow days."""

    def poll() -> None:
        metrics.called_aws("GetLatestConfiguration", 200, 0.01)
        metrics.polled(PollResult.UNCHANGED, 0.01, 0.01, slow=False)

    assert min(repeat(poll, number=1000, repeat=5)) / 1000 < 50e-6
