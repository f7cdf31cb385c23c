from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from benchmarks import pages, plot, report
from benchmarks.figures import Figure, from_json, merged, to_json

GOOD = Figure("writes", "", 0.0, 0.0, "counted", "requests", 7, {"polls": 7.0})
BAD = Figure("memory", "MB", 12_345.678, 110.0, only="memory")


def test_figures_come_back_from_json() -> None:
    assert from_json(to_json([GOOD, BAD])) == [GOOD, BAD]
    first = json.loads(to_json([GOOD]))[0]
    assert list(first)[:5] == ["figure", "unit", "reached", "goal", "ok"]
    assert first["ok"] is True


@pytest.mark.parametrize(("reached", "ok"), [(0.9, True), (1.0, True), (1.01, False)])
def test_a_goal_is_the_most_that_may_be(reached: float, ok: bool) -> None:  # noqa: FBT001 - an expected value
    assert Figure("x", "", reached, 1.0).ok is ok


def test_new_figures_take_the_place_of_old_ones() -> None:
    newer = Figure("writes", "", 1.0, 0.0)
    other = Figure("other", "", 1.0, 0.0)
    assert merged([GOOD, BAD], [other, newer]) == [newer, BAD, other]


def test_table() -> None:
    assert report.markdown([GOOD, BAD]).splitlines()[2:] == [
        "| writes | 0 | 0 | ok | `requests` |",
        "| memory | 1.235e+04 MB | ≤ 110 MB | MISSED | `memory` |",
    ]
    assert report.plain([GOOD, BAD]).splitlines() == [
        "figure       reached      goal",
        "writes             0         0  ok",
        "memory  1.235e+04 MB  ≤ 110 MB  MISSED",
    ]


def test_table_goes_between_the_markers() -> None:
    document = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    assert report.put(document, "new") == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"
    with pytest.raises(ValueError, match="no markers"):
        report.put("nothing", "new")


def test_plot_is_a_picture_and_always_the_same() -> None:
    curves = [plot.Curve("a <b>", {100: 1.0, 1000: 9.0, 10_000: 0.0}), plot.Curve("most", {100: 5.0}, guide=True)]
    drawn = plot.svg("Title & more", "s", curves)
    assert drawn == plot.svg("Title & more", "s", curves)
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    circles = [element for element in root if element.tag.endswith("circle")]
    assert len(circles) == 2, "nothing is drawn for what is 0, nor on the line of a guide"


def test_linear_growth_is_a_straight_line() -> None:
    root = ET.fromstring(plot.svg("t", "s", [plot.Curve("a", {100: 1, 1000: 10, 10_000: 100})]))  # noqa: S314
    (line,) = (element for element in root if element.tag.endswith("polyline"))
    (x1, y1), (x2, y2), (x3, y3) = (map(float, point.split(",")) for point in line.attrib["points"].split())
    assert (x2 - x1, y2 - y1) == pytest.approx((x3 - x2, y3 - y2), abs=0.2)


def test_the_documentation_has_the_last_results() -> None:
    figures = from_json(pages.RESULTS.read_text(encoding="utf-8"))
    document = pages.DOCUMENT.read_text(encoding="utf-8")
    assert report.put(document, pages.generated(figures)) == document
    drawn = {path.name: path.read_text(encoding="utf-8") for path in pages.PLOTS.glob("*.svg")}
    assert drawn == pages.plots(figures)
