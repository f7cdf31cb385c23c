"""The number of requests to the API server, from its own metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(?P<name>\w+)="(?P<value>(?:[^"\\]|\\.)*)"')

_WRITES = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"})


@dataclass(frozen=True)
class RequestCount:
    """One sample of ``apiserver_request_total``.

    The count starts again when the API server is restarted.
    """

    verb: str
    """The verb in the metric: ``GET``, ``LIST``, ``WATCH``, ``POST``, ``PUT``, ``PATCH``, ``APPLY``, ``DELETE``."""
    group: str
    """The API group, empty for the core group."""
    resource: str
    """In the plural, such as ``configmaps``."""
    subresource: str
    """Such as ``status``, or empty."""
    scope: str
    """``resource``, ``namespace`` or ``cluster``."""
    code: int
    """The HTTP status."""
    dry_run: bool
    """Whether it was a dry run."""
    count: int
    """The number since the API server started."""

    @property
    def write(self) -> bool:
        """Whether such a request writes, or would without the dry run."""
        return self.verb in _WRITES


def parse_request_total(text: str) -> list[RequestCount]:
    """Read ``apiserver_request_total`` from the output of ``/metrics``.

    Parameters
    ----------
    text
        Metrics in the text format of Prometheus.

    Returns
    -------
    list of RequestCount
        Its samples, in the order of the text. This includes requests without a status (code 0).
    """
    samples = []
    for line in _LINE.finditer(text):
        labels = {label["name"]: label["value"] for label in _LABEL.finditer(line["labels"])}
        sample = RequestCount(
            verb=labels["verb"],
            group=labels["group"],
            resource=labels["resource"],
            subresource=labels["subresource"],
            scope=labels["scope"],
            code=int(labels["code"]),
            dry_run=bool(labels["dry_run"]),
            count=int(float(line["value"])),
        )
        samples.append(sample)
    return samples
