"""What the chart takes from elsewhere in the tree."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from tools import chart

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the chart and what it is made of; helm-docs is put to the test by tests/chart."""
    for name in ("charts", "crds", "manifests"):
        shutil.copytree(chart.ROOT / name, tmp_path / name)
    (tmp_path / "docs").mkdir()
    for name in ("pyproject.toml", "docs/metrics.md"):
        shutil.copy(chart.ROOT / name, tmp_path / name)
    monkeypatch.setattr(chart, "ROOT", tmp_path)
    monkeypatch.setattr(chart, "CHART", tmp_path / "charts" / "appconfig-operator")
    monkeypatch.delitem(chart.MADE, "README.md")
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_nothing_is_stale_in_the_tree(copied: Path) -> None:
    assert copied.exists()
    assert chart.stale() == []


@pytest.mark.parametrize(
    ("source", "old", "new", "path"),
    [
        ("crds/appconfigsources.yaml", "The AppConfig application.", "The application.", "files/crd.yaml"),
        ("manifests/base/rbac.yaml", "verbs: [create]", "verbs: [create, patch]", "files/rules.yaml"),
        ("manifests/components/identities/secrets/rbac.yaml", "[get]", "[get, list]", "files/rules.yaml"),
        ("manifests/user-roles/roles.yaml", "deletecollection", "get", "files/rules.yaml"),
        ("docs/metrics.md", "for: 5m", "for: 6m", "files/alerts.yaml"),
        ("pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"', "Chart.yaml"),
        ("charts/appconfig-operator/files/crd.yaml", "AppConfigSource", "AppConfigSauce", "files/crd.yaml"),
    ],
    ids=["crd", "rules", "component", "users", "alerts", "version", "by hand"],
)
def test_a_changed_source_makes_it_stale_until_it_is_made_anew(
    copied: Path, source: str, old: str, new: str, path: str
) -> None:
    replace(copied / source, old, new)
    assert chart.stale() == [path]
    chart.write()
    assert chart.stale() == []


def test_a_file_that_is_missing_is_stale(copied: Path) -> None:
    (copied / "charts" / "appconfig-operator" / "files" / "rules.yaml").unlink()
    assert chart.stale() == ["files/rules.yaml"]


def test_the_command_names_what_is_stale(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert chart.main(["--check"]) == 0
    replace(copied / "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    assert chart.main(["--check"]) == 1
    assert capsys.readouterr().err == "charts/appconfig-operator/Chart.yaml is stale: run make chart\n"
    assert chart.main([]) == 0
    made = yaml.safe_load((chart.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (made["version"], made["appVersion"]) == ("0.2.0", "0.2.0")
    assert chart.main(["--chek"]) == 2
