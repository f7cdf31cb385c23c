"""The chart as a release publishes it, made by the real Helm."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from sandbox.toolchain.provision import program
from tools.release import chart
from tools.release.versions import CHART, project_version

ROOT = Path(__file__).parents[2]
IMAGE = "ghcr.io/someone/appconfig-operator"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, work = (tmp_path_factory.mktemp(name) for name in ("out", "work"))
    return chart.package(ROOT / CHART, IMAGE, out, work)


def test_the_package_has_the_version_in_its_name(package: Path) -> None:
    assert package.name == f"appconfig-operator-{project_version(ROOT)}.tgz"


def test_the_default_image_is_that_of_the_registry(package: Path) -> None:
    done = subprocess.run(
        [program("helm"), "template", "released", package], check=True, capture_output=True, text=True, timeout=60
    )
    (deployment,) = (one for one in yaml.safe_load_all(done.stdout) if one and one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{IMAGE}:{project_version(ROOT)}"


def test_nothing_else_is_changed(package: Path) -> None:
    """In the values it is one line, and in the README the row that shows it."""
    changed = {}
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            name = member.name.removeprefix("appconfig-operator/")
            packed = archive.extractfile(member)
            assert packed is not None
            # Helm writes Chart.yaml again.
            if name != "Chart.yaml":
                old = (ROOT / CHART / name).read_text(encoding="utf-8").splitlines()
                new = packed.read().decode().splitlines()
                changed[name] = [line for was, line in zip(old, new, strict=True) if was != line]
    changed = {name: lines for name, lines in changed.items() if lines}
    assert changed["values.yaml"] == [f"  repository: {IMAGE}"]
    (row,) = changed["README.md"]
    assert row.startswith(f'| image.repository | string | `"{IMAGE}"`')
    assert set(changed) == {"values.yaml", "README.md"}
