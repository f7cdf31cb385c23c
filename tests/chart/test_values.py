"""Values, their documentation and their schema speak of the same, and with the operator's own words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from appconfig_operator.__main__ import run
from tests.chart.support.rendering import container, objects_of
from tools.chart import CHART

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

SETTINGS = {
    "workers": "workers",
    "shards": "shards",
    "leaseDuration": "lease_duration",
    "awsQuotaPercent": "aws_quota_percent",
    "logFormat": "log_format",
    "logLevel": "log_level",
}
"""Which parameter of the command line each value is for."""

FREE = {"affinity", "global", "podSecurityContext", "resources", "securityContext"}
"""Values that the API of Kubernetes defines, or the charts around this one."""


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    found = schema if reference is None else SCHEMA["definitions"][reference.removeprefix("#/definitions/")]
    return dict(found)


def described(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Return the paths that a schema knows."""
    children = resolve(schema).get("properties")
    if not children:
        yield path
        return
    for name, child in children.items():
        yield from described(child, f"{path}.{name}".removeprefix("."))


def documented() -> set[str]:
    """Return the paths of the values that a comment `# --` stands before, by their indentation."""
    found: set[str] = set()
    parents: list[str] = []
    for before, line in zip(VALUES.splitlines(), VALUES.splitlines()[1:], strict=False):
        match = re.match(r"^( *)([A-Za-z]+):", line)
        if match is None:
            continue
        parents = [*parents[: len(match[1]) // 2], match[2]]
        if before.strip().startswith("# -- "):
            found.add(".".join(parents))
    return found


def test_every_value_has_a_comment_and_a_schema() -> None:
    assert documented() == set(described(SCHEMA))


def test_every_value_that_is_documented_is_there() -> None:
    values = yaml.safe_load(VALUES)
    for path in documented():
        part = values
        for name in path.split("."):
            assert name in part, path
            part = part[name]


def test_readme_has_every_value() -> None:
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    assert (
        set(re.findall(r"^\| ([A-Za-z.]+) \| (?:int|string|bool|list|object) ", readme, re.MULTILINE)) == documented()
    )


def test_the_schema_is_closed() -> None:
    """Maps have names that are known, or values of one type, or are those of Kubernetes."""

    def open_ones(schema: dict[str, Any], path: str) -> Iterator[str]:
        schema = resolve(schema)
        children = schema.get("properties", {})
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            yield path
        assert not children or schema["additionalProperties"] is False, path
        for name, child in children.items():
            yield from open_ones(child, f"{path}.{name}".removeprefix("."))

    assert set(open_ones(SCHEMA, "")) == FREE


def test_the_schema_requires_every_value() -> None:
    """An empty one (`workers:`) is null to Helm, which drops the default for it, and renders nothing in its place."""

    def optional_ones(schema: dict[str, Any], path: str) -> Iterator[str]:
        children = resolve(schema).get("properties", {})
        for name, child in children.items():
            below = f"{path}.{name}".removeprefix(".")
            if name not in resolve(schema).get("required", ()):
                yield below
            yield from optional_ones(child, below)

    # Those that are for a chart around this one, and may be empty.
    assert set(optional_ones(SCHEMA, "")) == {"enabled", "global"}


@pytest.mark.parametrize(("value", "parameter"), SETTINGS.items())
def test_settings_have_the_bounds_and_defaults_of_the_command_line(value: str, parameter: str) -> None:
    (option,) = (option for option in run.params if option.name == parameter)
    schema = SCHEMA["properties"][value]
    if isinstance(option.type, click.IntRange):
        assert (schema["minimum"], schema["maximum"]) == (option.type.min, option.type.max)
    else:
        assert isinstance(option.type, click.Choice)
        assert schema["enum"] == list(option.type.choices)
    assert yaml.safe_load(VALUES)[value] == option.default


def test_the_command_line_takes_the_arguments() -> None:
    """They change no setting by default, and each one arrives."""
    command, *arguments = container(objects_of("default"))["args"]
    assert command == "run"
    bare = run.make_context("run", []).params
    assert run.make_context("run", arguments).params == bare
    _, *arguments = container(objects_of("high-availability"))["args"]
    parameters = run.make_context("run", arguments).params
    changed = {name: value for name, value in parameters.items() if value != bare[name]}
    assert changed == {"workers": 40, "shards": 8, "lease_duration": 20, "aws_quota_percent": 60}
    _, *arguments = container(objects_of("namespaced"))["args"]
    assert run.make_context("run", arguments).params["namespaces"] == ("shop", "billing")


def test_the_command_line_has_no_setting_that_the_chart_forgets() -> None:
    """What has no value of its own: where the Leases are, and ports, which are those of the probes."""
    fixed = {"lease_namespace", "metrics_port", "health_port"}
    made = {"namespaces", "policy_file"}
    assert {option.name for option in run.params} == {*SETTINGS.values(), *fixed, *made}
