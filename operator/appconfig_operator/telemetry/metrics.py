"""Metrics for Prometheus, in a separate registry. docs/metrics.md describes each.

Labels have few values, all known here: never the name of a source, namespace or account. Label combinations are created
in advance if possible: a counter that starts at 0 has a rate from its first increment, and counting is quick.
"""

from __future__ import annotations

import platform
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.pace import Pace
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.telemetry.gauges import GaugeCollector
from appconfig_operator.telemetry.http_server import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.telemetry.gauges import Gauges

PREFIX = "appconfig_operator"

LATENESS_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60)
"""Seconds. Close together below 1, to show whether 99 of 100 polls start within a second."""

DURATION_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)
"""Seconds. AWS answers in about 10 ms; a call that hangs is aborted after 13 s, or after 45 s including its body."""

OPERATIONS = (
    "StartConfigurationSession",
    "GetLatestConfiguration",
    "AssumeRole",
    "AssumeRoleWithWebIdentity",
)
OTHER = "other"
NO_ANSWER = "none"

_CODES = {int(status): str(int(status)) for status in HTTPStatus}
_FIRST_CODES = ("200", "400", "403", "404", "429", "500", "503", NO_ANSWER)


class Metrics:
    """Counts what happens, and exposes it. Safe to share between threads.

    Parameters
    ----------
    version
        The version of the operator.
    """

    def __init__(self, version: str) -> None:
        # They would double the number of series, and Prometheus does not use them by default.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        build = Info("build", "Version of the operator and of Python.", namespace=PREFIX, registry=self._registry)
        build.info({"version": version, "python": platform.python_version()})
        self._make_polls()
        self._make_aws()
        self._kubernetes = self._counter(
            "kubernetes_requests", "Calls to the Kubernetes API server.", "verb", "resource", "code"
        )
        self._kubernetes_children: dict[tuple[str, str, str], Counter] = {}

    def _make_polls(self) -> None:
        polls = self._counter("polls", "Polls, by result.", "result")
        self._polls = {result: polls.labels(str(result)) for result in PollResult}
        self._poll_duration = self._histogram(
            "poll_duration_seconds",
            "Duration of polls, including everything that followed from them.",
            DURATION_BUCKETS,
        )
        lateness = self._histogram(
            "poll_lateness_seconds", "Time from when polls were due until they started.", LATENESS_BUCKETS, "pace"
        )
        self._poll_lateness = {slow: lateness.labels(Pace.of(slow=slow)) for slow in (False, True)}
        self._paused = self._counter("polls_paused", "Polls that made no call because the endpoint does not answer.")
        self._received = self._counter(
            "configurations_received", "Configurations that AWS AppConfig delivered. AWS bills each one."
        )
        self._received_bytes = self._counter("received_bytes", "Bytes of configurations received.")
        writes = self._counter("config_map_writes", "Writes that changed a ConfigMap.", "policy")
        self._writes = {policy: writes.labels(str(policy)) for policy in CreationPolicy}

    def _make_aws(self) -> None:
        self._aws = self._counter("aws_requests", "Calls to AWS.", "operation", "code")
        durations = self._histogram(
            "aws_request_duration_seconds", "Time until calls to AWS were answered.", DURATION_BUCKETS, "operation"
        )
        self._aws_durations = {operation: durations.labels(operation) for operation in (*OPERATIONS, OTHER)}
        self._aws_children = {
            (operation, code): self._aws.labels(operation, code) for operation in OPERATIONS for code in _FIRST_CODES
        }

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=PREFIX, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, namespace=PREFIX, registry=self._registry, buckets=buckets)

    def watch(self, gauges: Callable[[], Gauges]) -> None:
        """Also expose the current state. Call this once.

        Parameters
        ----------
        gauges
            Returns the current state. Called at each scrape, from any thread.
        """
        self._registry.register(GaugeCollector(PREFIX, gauges))

    def page(self, accept: str = "") -> Page:
        """Return all metrics, in the format that a scraper requests.

        Parameters
        ----------
        accept
            The `Accept` header of its request.
        """
        encode, content_type = choose_encoder(accept)
        return Page(encode(self._registry), content_type=content_type)

    def polled(self, result: PollResult, seconds: float, lateness: float, *, slow: bool) -> None:
        """Count a poll.

        Parameters
        ----------
        result
            How it ended.
        seconds
            How long it took.
        lateness
            Seconds from when it was due to when it started.
        slow
            Whether it started in a slot for slow polls.
        """
        self._polls[result].inc()
        self._poll_duration.observe(seconds)
        self._poll_lateness[slow].observe(lateness)

    def paused(self) -> None:
        """Count a poll that made no call, because calls to its endpoint are paused."""
        self._paused.inc()

    def received(self, size: int) -> None:
        """Count a configuration that AppConfig delivered, and its bytes."""
        self._received.inc()
        self._received_bytes.inc(size)

    def wrote(self, policy: CreationPolicy) -> None:
        """Count a write that changed a ConfigMap."""
        self._writes[policy].inc()

    def called_aws(self, operation: str, code: int | None, seconds: float) -> None:
        """Count a call to AWS.

        Parameters
        ----------
        operation
            Its name in the API of AWS. An unknown one counts as `other`.
        code
            HTTP status, or `None` if there was no answer.
        seconds
            Duration until the answer or the failure.
        """
        duration = self._aws_durations.get(operation)
        if duration is None:
            operation, duration = OTHER, self._aws_durations[OTHER]
        key = operation, _code(code)
        child = self._aws_children.get(key)
        if child is None:
            # Two threads at the same time get the same child.
            child = self._aws_children[key] = self._aws.labels(*key)
        child.inc()
        duration.observe(seconds)

    def called_kubernetes(self, verb: str, resource: str, code: int | None) -> None:
        """Count a call to the API server.

        Parameters
        ----------
        verb, resource
            As in the rules of a role. The caller ensures that there are few.
        code
            HTTP status, or `None` if there was no answer.
        """
        key = verb, resource, _code(code)
        child = self._kubernetes_children.get(key)
        if child is None:
            child = self._kubernetes_children[key] = self._kubernetes.labels(*key)
        child.inc()


def _code(status: int | None) -> str:
    """Return a status as a label. A server can answer with any number."""
    return NO_ANSWER if status is None else _CODES.get(status, OTHER)
