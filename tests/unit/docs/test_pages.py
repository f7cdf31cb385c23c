"""The documentation says what the code says: neither more nor less, and its links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from appconfig_operator.__main__ import VARIABLES, cli
from appconfig_operator.core.errors import Reason
from appconfig_operator.core.pace import Pace
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.core.status.state import State
from appconfig_operator.core.target.drift import FIGHT_WINDOW_SECONDS
from appconfig_operator.telemetry.gauges import Gauges
from appconfig_operator.telemetry.metrics import PREFIX, Metrics
from appconfig_operator.telemetry.probes import LIVE, READY

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
NO_FAILURES = {Reason.SYNCED, Reason.PINNED, Reason.PROGRESSING}
GENERATED = {".venv", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "build", "node_modules"}


def text_of(path: Path) -> str:
    """Read a Markdown file without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def tables(path: Path) -> Iterator[list[str]]:
    """Return the cells of each row of each table, without the heads."""
    rows = text_of(path).splitlines()
    for number, row in enumerate(rows):
        ruler = re.fullmatch(r"\|[-| :]+\|", row)
        head = number + 1 < len(rows) and re.fullmatch(r"\|[-| :]+\|", rows[number + 1])
        if row.startswith("|") and not ruler and not head:
            yield [cell.strip() for cell in row.strip("|").split("|")]


def headings(path: Path) -> list[str]:
    """Return the headings of a file, with their hashes."""
    return re.findall(r"^#+ .*$", text_of(path), re.MULTILINE)


def anchor(heading: str) -> str:
    """Make the anchor that a heading gets."""
    words = re.sub(r"[^\w\- ]", "", heading.lstrip("#").strip().lower())
    return words.replace(" ", "-")


def sections(path: Path, level: str) -> dict[str, str]:
    """Return the text of each section of a level by its heading."""
    parts = re.split(rf"^{level} (.*)$", text_of(path), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def markdown_files() -> list[Path]:
    found = sorted(ROOT.rglob("*.md"))
    return [path for path in found if not GENERATED & set(path.relative_to(ROOT).parts)]


def field_paths(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Return the path of each field below a part of the CRD. What the items of lists hold is no field of its own."""
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from field_paths(part, f"{path}.{name}")


def field_defaults(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Return the path and the default of each field below a part of the CRD that has one."""
    for name, part in schema.get("properties", {}).items():
        if "default" in part:
            yield f"{prefix}{name}", part["default"]
        yield from field_defaults(part, f"{prefix}{name}.")


@pytest.fixture(scope="module")
def crd() -> dict[str, Any]:
    definition = yaml.safe_load((ROOT / "crds" / "appconfigsources.yaml").read_text(encoding="utf-8"))
    (version,) = definition["spec"]["versions"]
    assert isinstance(version, dict)
    return version


def schema_of(crd: dict[str, Any], part: str) -> dict[str, Any]:
    properties: dict[str, dict[str, Any]] = crd["schema"]["openAPIV3Schema"]["properties"]
    return properties[part]


def test_reasons_have_one_section_each() -> None:
    documented = [heading.removeprefix("## ") for heading in headings(DOCS / "reasons.md") if heading.startswith("## ")]
    assert documented == [str(reason) for reason in Reason]


def test_reasons_are_listed_in_the_order_of_the_code() -> None:
    linked = [re.fullmatch(r"\[(\w+)\]\(#\w+\)", row[0]) for row in tables(DOCS / "reasons.md")]
    assert [found[1] for found in linked if found] == [str(reason) for reason in Reason]


def test_each_reason_has_a_status_and_says_when_it_is_retried() -> None:
    rows = [row for row in tables(DOCS / "reasons.md") if re.fullmatch(r"\[\w+\]\(#\w+\)", row[0])]
    assert [row[0] for row in rows if not row[3]] == []
    assert [row[1] for row in rows] == ["True", "True", "Unknown", *["False"] * (len(Reason) - len(NO_FAILURES))]


@pytest.mark.parametrize("part", ["*Find the cause:*", "*Fix:*"])
def test_each_failure_says_how_to_go_on(part: str) -> None:
    without = {reason for reason, text in sections(DOCS / "reasons.md", "##").items() if part not in text}
    assert without == NO_FAILURES


@pytest.mark.parametrize("part", ["spec", "status"])
def test_fields_are_those_of_the_crd(crd: dict[str, Any], part: str) -> None:
    cells = [re.match(r"\[?`((?:spec|status)\.[\w.]+)`", row[0]) for row in tables(DOCS / "resource.md")]
    documented = [found[1] for found in cells if found and found[1].startswith(f"{part}.")]
    assert sorted(documented) == sorted(field_paths(schema_of(crd, part), part))


def test_each_field_of_the_spec_has_a_section(crd: dict[str, Any]) -> None:
    named = {name for heading in sections(DOCS / "resource.md", "###") for name in heading.split(", ")}
    fields = {path.removeprefix("spec.") for path in field_paths(schema_of(crd, "spec"), "spec")}
    assert named - {"Conditions", "Events", "Fetch now"} == fields


def test_defaults_are_those_of_the_crd(crd: dict[str, Any]) -> None:
    documented = {
        found[1]: row[1]
        for row in tables(DOCS / "resource.md")
        if (found := re.match(r"\[`spec\.([\w.]+)`\]", row[0])) and row[1].startswith("`")
    }
    defaults = dict(field_defaults(schema_of(crd, "spec"), ""))
    assert documented == {
        name: f"`{str(value).lower() if value is False else value}`" for name, value in defaults.items()
    }


def test_columns_are_those_of_the_crd(crd: dict[str, Any]) -> None:
    documented = [row[0] for row in tables_of_section("resource.md", "Columns")]
    assert documented == [column["name"].upper() for column in crd["additionalPrinterColumns"]]  # as kubectl prints


def tables_of_section(file: str, heading: str) -> list[list[str]]:
    text = sections(DOCS / file, "##")[heading]
    rows = [row for row in text.splitlines() if row.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_settings_are_those_of_the_command_line() -> None:
    run = cli.commands["run"]
    options = [option for option in run.params if isinstance(option, click.Option)]
    documented = {row[0]: row[1:3] for row in tables(DOCS / "settings.md") if row[0].startswith("`--")}
    unset = {
        "--namespace": "all namespaces",
        "--lease-namespace": "the operator's own",
        "--policy-file": "none: all may use all",
    }
    defaults = {
        f"`{name}`": [f"`{option.envvar}`", unset.get(name, f"`{option.default}`")]
        for option in options
        for name in option.opts
    }
    assert documented == defaults


def test_variables_are_those_of_the_operator() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"APPCONFIG_OPERATOR_\w+", text)) - {"APPCONFIG_OPERATOR_"} == set(VARIABLES)


def test_dependencies_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    sections_of_project = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    meant = [[re.split(r"[\[<>=]", requirement)[0] for requirement in group] for group in sections_of_project]
    text = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    documented = [
        re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) for table in text.split("| package | why |")[1:]
    ]
    assert documented == meant


@pytest.mark.parametrize("file", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    dead = []
    for link in LINK.findall(text_of(file)):
        target, _, fragment = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (file.parent / target).resolve() if target else file
        there = path.exists() and path.is_relative_to(ROOT)
        if not there or (fragment and fragment not in map(anchor, headings(path))):
            dead.append(link)
    assert not dead


def test_targets_are_those_of_the_makefile() -> None:
    text = (DOCS / "development.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `make ([\w-]+)` \|", text, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(documented) == set(re.findall(r"^([\w-]+):.*## ", makefile, re.MULTILINE)) - {"help"}


def test_the_window_of_a_fight_is_that_of_the_code() -> None:
    (found,) = re.findall(r"(\d+) minutes are a fight", text_of(DOCS / "architecture.md"))
    assert int(found) * 60 == FIGHT_WINDOW_SECONDS


def test_no_local_path_is_published() -> None:
    # Outputs are pasted from real runs, and must not carry the machine they were made on.
    local = re.compile(rf"{re.escape(str(ROOT))}|/tmp/|/(?:root|home)/|{re.escape(str(Path.home()))}(?=/)")
    assert {path.name: found for path in markdown_files() if (found := local.findall(path.read_text("utf-8")))} == {}


def metric_families() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Give name, type and labels of each metric of the operator's own, all of them having been used."""
    metrics = Metrics("1.2.3")
    metrics.called_kubernetes("get", "configmaps", 200)
    metrics.watch(
        lambda: Gauges(
            heartbeats={"scheduler": 0.0},
            lease_remaining=1.0,
            oldest_due={Pace.QUICK: 0.0},
            polls_under_way={Pace.QUICK: 1},
            refused={("a", "b"): 1},
        )
    )
    for family in text_string_to_metric_families(metrics.page().body.decode()):
        if family.name.startswith(PREFIX):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            name = family.name.removeprefix(f"{PREFIX}_") + ("_total" if family.type == "counter" else "")
            yield name, family.type, frozenset(labels)


def test_metrics_are_those_of_the_registry() -> None:
    documented = [
        (row[0].strip("`"), row[1], frozenset(re.findall(r"`(\w+)`", row[2])))
        for row in tables_of_section("metrics.md", "Metrics")
        if len(row) == 4
    ]
    assert sorted(documented) == sorted(metric_families())


@pytest.mark.parametrize(
    ("heading", "values"),
    [("Results", {*(set(PollResult) - set(Reason)), "a [reason](reasons.md)"}), ("States", set(State))],
    ids=["results", "states"],
)
def test_values_of_labels_are_those_of_the_code(heading: str, values: set[str]) -> None:
    rows = re.findall(r"^\| (.+?) \|", sections(DOCS / "metrics.md", "###")[heading], re.MULTILINE)
    assert {row.strip("`") for row in rows[1:]} == values


def alerts() -> list[dict[str, Any]]:
    """Return the rules of docs/metrics.md."""
    blocks = re.findall(r"```yaml\n(groups:.*?)```", (DOCS / "metrics.md").read_text("utf-8"), re.DOTALL)
    (group,) = yaml.safe_load(blocks[0])["groups"]
    return list(group["rules"])


def test_alerts_ask_for_metrics_that_there_are() -> None:
    there = {
        f"{PREFIX}_{name}{suffix}"
        for name, kind, _ in metric_families()
        for suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
    }
    asked = {name for rule in alerts() for name in re.findall(rf"{PREFIX}_\w+", rule["expr"])}
    assert asked
    assert asked <= there


def test_alerts_ask_for_values_that_there_are() -> None:
    known = {"result": set(map(str, PollResult)), "state": set(map(str, State))}
    for rule in alerts():
        for label, values in re.findall(r'(result|state)=~?"([\w|]+)"', rule["expr"]):
            assert set(values.split("|")) <= known[label]


def test_each_alert_says_what_to_do() -> None:
    named = [row[0].strip("`") for row in tables(DOCS / "metrics.md") if row[0].startswith("`AppConfig")]
    assert named == [rule["alert"] for rule in alerts()]


def test_probes_are_those_that_are_served() -> None:
    served = {row[0].strip("`") for row in tables(DOCS / "metrics.md") if row[0].startswith("`/")}
    assert served == {LIVE, READY}
