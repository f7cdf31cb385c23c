"""The alerts: those of the documentation, each about one operator at a time."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.chart.support.rendering import objects_of, of_kind, one
from tools.chart import ROOT
from tools.chart import alerts as made

(GROUP,) = yaml.safe_load(made())["groups"]

# What puts series together. Histograms and ratios are made of what they give.
AGGREGATION = re.compile(r"\b(?:sum|max|min|avg|count)\b *(\S+ *\([^)]*\)|.)")


def test_alerts_are_those_of_the_documentation() -> None:
    rule = one(objects_of("service-monitor"), "PrometheusRule")
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert rule["spec"] == yaml.safe_load(page[page.index("groups:\n- name:") :].partition("```")[0])
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert not of_kind(objects_of("default"), "PrometheusRule")


@pytest.mark.parametrize("rule", GROUP["rules"], ids=lambda rule: rule["alert"])
def test_an_operator_does_not_hide_what_another_one_lacks(rule: dict[str, Any]) -> None:
    """With two of them, or with several clusters, one that is well would make up for one that is not."""
    by = AGGREGATION.findall(rule["expr"])
    assert by
    assert [part for part in by if not part.startswith("by (cluster, namespace")] == []
