"""The chart as a dependency of another one, where Helm adds values of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from sandbox.kube.helm import Helm
from tests.chart.support.rendering import container, parsed
from tools.chart import CHART

if TYPE_CHECKING:
    from pathlib import Path

NAME = CHART.name


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["version"]
    dependency = {"name": NAME, "version": version, "condition": f"{NAME}.enabled"}
    metadata = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [dependency]}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    shutil.copytree(CHART, tmp_path / "charts" / NAME)
    return tmp_path


def test_values_of_the_parent_arrive(parent: Path) -> None:
    values = {"global": {"region": "eu-west-1"}, NAME: {"enabled": True, "workers": 7}}
    text = Helm()("template", "platform", parent, "--values=-", stdin=yaml.safe_dump(values))
    assert "--workers=7" in container(parsed(text))["args"]


def test_the_parent_can_leave_it_out(parent: Path) -> None:
    text = Helm()("template", "platform", parent, "--values=-", stdin=yaml.safe_dump({NAME: {"enabled": False}}))
    assert parsed(text) == []
