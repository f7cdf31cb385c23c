"""What docs/helm.md says, Helm takes."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.chart.support.rendering import refusal, render
from tools.chart import CHART, ROOT

PAGE = (ROOT / "docs" / "helm.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
VALUES = [yaml.safe_load(block) for block in BLOCK.findall(PAGE)]
GITOPS = (ROOT / "docs" / "gitops.md").read_text(encoding="utf-8")
MANIFESTS = {item["kind"]: item for block in BLOCK.findall(GITOPS) for item in yaml.safe_load_all(block)}


@pytest.mark.parametrize("values", VALUES, ids=lambda values: next(iter(values)))
def test_values(values: dict[str, object]) -> None:
    assert render(values) != render({})


def test_manifests_of_argo_cd_and_flux() -> None:
    argo, flux = MANIFESTS["Application"]["spec"]["source"], MANIFESTS["HelmRelease"]["spec"]
    folder = str(CHART.relative_to(ROOT))
    assert (argo["path"], flux["chart"]["spec"]["chart"]) == (folder, f"./{folder}")
    for values in (argo["helm"]["valuesObject"], flux["values"]):
        assert render(values) != render({})


def test_what_a_typing_error_looks_like() -> None:
    *_, said = re.findall(r"schema\(s\) in the following chart.*?(?=\n```)", PAGE, re.DOTALL)
    assert said in refusal({"replicas": 2})


def test_commands_name_the_chart() -> None:
    folder = str(CHART.relative_to(ROOT))
    commands = [line for line in PAGE.splitlines() if re.match(r"(\$ )?helm (install|upgrade) ", line)]
    assert len(commands) == 4
    assert all(folder in command for command in commands)
