"""Which chart the upgrade test begins with."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import yaml

from tests.support.releases import previous_chart
from tools.chart import CHART, ROOT

if TYPE_CHECKING:
    from pathlib import Path


def git(repository: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(repository), *identity, *arguments], check=True, capture_output=True, timeout=30)


def commit(repository: Path, version: str, tag: str | None = None) -> None:
    metadata = repository / CHART.relative_to(ROOT) / "Chart.yaml"
    content = yaml.safe_load(metadata.read_text(encoding="utf-8"))
    metadata.write_text(yaml.safe_dump({**content, "version": version}), encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--message", version)
    if tag is not None:
        git(repository, "tag", tag)


def version_of(chart: Path) -> str:
    content = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart / "templates" / "deployment.yaml").is_file()
    return str(content["version"])


def test_the_last_release_or_else_this_chart_as_an_older_version(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(CHART, repository / CHART.relative_to(ROOT))
    git(tmp_path, "init", "--quiet", str(repository))
    commit(repository, "0.1.5")
    assert version_of(previous_chart(tmp_path / "before", repository)) == "0.0.1"
    commit(repository, "0.9.0", "v0.9.0")
    commit(repository, "0.10.0", "v0.10.0")
    commit(repository, "0.11.0", "v0.11.0")
    assert version_of(previous_chart(tmp_path / "after", repository)) == "0.10.0"
