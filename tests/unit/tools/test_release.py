"""What a release publishes: the right versions, notes, values and manifests."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tools.release import chart, files, manifests
from tools.release.__main__ import main
from tools.release.changelog import ChangelogError, section
from tools.release.files import CHECKSUMS, checksums
from tools.release.versions import problems

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

ROOT = Path(__file__).parents[3]

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Something to come.

## [0.2.0] - 2026-03-04

### Fixed

- A mistake.

## [0.1.0] - 2026-01-02

- The first.

[0.2.0]: https://example.com/0.2.0
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository whose places all say 0.2.0."""
    write(tmp_path / "pyproject.toml", '[project]\nversion = "0.2.0"\n')
    write(tmp_path / "CHANGELOG.md", CHANGELOG)
    write(tmp_path / "charts/appconfig-operator/Chart.yaml", 'version: 0.2.0\nappVersion: "0.2.0"\n')
    write(tmp_path / "Dockerfile", "FROM base AS build\nARG VERSION=0.2.0\nFROM scratch\nARG VERSION\n")
    deployment = tmp_path / "manifests/base/deployment.yaml"
    write(deployment, (ROOT / "manifests/base/deployment.yaml").read_text("utf-8").replace(":0.1.0", ":0.2.0"))
    return tmp_path


def test_a_version_that_stands_everywhere_can_be_released(repository: Path) -> None:
    assert problems(repository, "v0.2.0") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("pyproject.toml", "0.2.0", "0.2.1", "pyproject.toml: version is 0.2.1, not 0.2.0"),
        (
            "charts/appconfig-operator/Chart.yaml",
            "\nversion: 0.2.0",
            "\nversion: 0.3.0",
            "charts/appconfig-operator/Chart.yaml: version is 0.3.0, not 0.2.0",
        ),
        (
            "charts/appconfig-operator/Chart.yaml",
            '"0.2.0"',
            '"0.1.0"',
            "charts/appconfig-operator/Chart.yaml: appVersion is 0.1.0, not 0.2.0",
        ),
        (
            "manifests/base/deployment.yaml",
            ":0.2.0",
            ":latest",
            "manifests/base/deployment.yaml: the tag of the image is latest, not 0.2.0",
        ),
        ("Dockerfile", "=0.2.0", "=0.1.9", "Dockerfile: ARG VERSION is 0.1.9, not 0.2.0"),
        ("CHANGELOG.md", "[0.2.0] - ", "[0.2.1] - ", "CHANGELOG.md has no section `## [0.2.0] - YYYY-MM-DD`"),
    ],
    ids=["project", "chart", "appVersion", "manifests", "image", "changelog"],
)
def test_a_place_that_says_another_version_is_named(
    repository: Path, file: str, old: str, new: str, problem: str
) -> None:
    path = repository / file
    text = f"\n{path.read_text('utf-8')}"
    assert text.count(old) == 1
    write(path, text.replace(old, new))
    assert problems(repository, "v0.2.0") == [problem]


@pytest.mark.parametrize(
    "file", ["README.md", "docs/image.md", "charts/appconfig-operator/README.md.gotmpl"], ids=lambda file: file[-9:]
)
def test_a_page_that_says_there_is_nothing_to_install_is_named(repository: Path, file: str) -> None:
    write(repository / file, "# Title\n\nNothing is\npublished yet: no image.\n")
    assert problems(repository, "v0.2.0") == [f"{file} says that nothing is published yet"]


@pytest.mark.parametrize("tag", ["0.2.0", "v0.2", "v0.2.0-rc.1", "v0.2.0.1", "main", "v0.2.0\n"])
def test_a_tag_of_another_form_is_refused(repository: Path, tag: str) -> None:
    assert problems(repository, tag) == [f"the tag {tag} is not of the form v1.2.3"]


@pytest.mark.parametrize(
    ("version", "text"),
    [("0.2.0", "### Fixed\n\n- A mistake.\n"), ("0.1.0", "- The first.\n")],
    ids=["between", "last"],
)
def test_the_notes_are_the_section_of_the_version(version: str, text: str) -> None:
    assert section(CHANGELOG, version) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CHANGELOG, "CHANGELOG.md has no section"),
        ("## [0.3.0]\n\n- Text.\n", "the heading of 0.3.0 must be"),
        ("## [0.3.0] - soon\n\n- Text.\n", "the heading of 0.3.0 must be"),
        ("## [0.3.0] - 2026-01-02\n\n## [0.2.0] - 2026-01-01\n\n- Text.\n", "the section of 0.3.0 is empty"),
        ("## [0.3.0] - 2026-01-02\n\n[0.3.0]: https://example.com\n", "the section of 0.3.0 is empty"),
        ("## [0x3.0] - 2026-01-02\n\n- Text.\n", "CHANGELOG.md has no section"),
    ],
    ids=["none", "no date", "no such date", "nothing in it", "only a link", "not a pattern"],
)
def test_a_version_without_notes_is_refused(text: str, message: str) -> None:
    with pytest.raises(ChangelogError, match=message):
        section(text, "0.3.0")


VALUES = """# The values.
image:
  # -- Where the image is. `repository: x` elsewhere is no matter.
  repository: appconfig-operator  # until it is published
  tag: ""
sidecar: {image: {repository: appconfig-operator}}
"""


def test_one_value_changes_and_not_a_byte_of_the_rest() -> None:
    changed = chart.with_value(VALUES, ["image", "repository"], "ghcr.io/someone/appconfig-operator")
    assert changed == VALUES.replace(
        "  repository: appconfig-operator  #", "  repository: ghcr.io/someone/appconfig-operator  #"
    )


@pytest.mark.parametrize("path", [["image", "name"], ["image"], ["images", "repository"], ["image", "tag", "x"]])
def test_a_value_that_is_not_there_is_not_made(path: list[str]) -> None:
    with pytest.raises(ValueError, match="there is no string at"):
        chart.with_value(VALUES, path, "x")


@pytest.mark.parametrize("value", ["a: b", "1", "x # y", "[", "a\nb: c"], ids=repr)
def test_a_value_that_would_read_as_something_else_is_refused(value: str) -> None:
    with pytest.raises((ValueError, yaml.YAMLError)):
        chart.with_value(VALUES, ["image", "repository"], value)


@pytest.mark.parametrize("said", ["Pushed: x\n", "Digest: sha256:12\n"], ids=["none", "too short"])
def test_a_push_without_a_digest_is_no_push(said: str) -> None:
    with pytest.raises(ValueError, match="named 0 digests"):
        chart.digest_of(said)


def test_the_digest_of_a_push() -> None:
    digest = f"sha256:{hashlib.sha256(b'chart').hexdigest()}"
    said = f"Pushed: localhost:5000/charts/appconfig-operator:0.1.0\nDigest: {digest}\n"
    assert chart.digest_of(said) == digest


def images(text: str) -> set[str]:
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    pods = [document["spec"]["template"]["spec"] for document in documents if document["kind"] == "Deployment"]
    return {container["image"] for pod in pods for container in pod["containers"]}


def test_the_manifests_that_install_have_the_image_of_the_registry() -> None:
    found = manifests.sources(ROOT)
    assert {"crds.yaml", "install.yaml"} <= set(found)
    for name, folder in found.items():
        text = manifests.render(folder, "ghcr.io/someone/appconfig-operator", "9.8.7")
        assert images(text) == (set() if name == "crds.yaml" else {"ghcr.io/someone/appconfig-operator:9.8.7"})


def test_only_overlays_that_run_an_operator_are_published(tmp_path: Path) -> None:
    for name in ("crds", "manifests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.rmtree(tmp_path / "manifests/overlays", ignore_errors=True)
    for name, resource in (("all", "base"), ("rights", "components/identities/secrets")):
        kind = "resources" if name == "all" else "components"
        text = f"{kind}: [../../{resource}]\n"
        write(tmp_path / "manifests/overlays" / name / "kustomization.yaml", text)
    assert list(manifests.sources(tmp_path)) == ["crds.yaml", "install.yaml", "install-all.yaml"]


def test_the_wheel_is_built_with_nothing_but_what_the_lock_has_digests_of(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$@" >> "$0.asked"\n')
    uv.chmod(0o755)
    mocker.patch.object(files, "_UV", uv)
    files._distributions(ROOT, tmp_path / "out", tmp_path / "build.txt")
    export, build = (tmp_path / "uv.asked").read_text().splitlines()
    assert export == f"export --quiet --frozen --only-group=build --output-file={tmp_path}/build.txt"
    assert f" --require-hashes --build-constraints={tmp_path}/build.txt " in build


def test_checksums_are_those_of_the_files(tmp_path: Path) -> None:
    write(tmp_path / "b", "2")
    write(tmp_path / "a", "1")
    write(tmp_path / CHECKSUMS, "old")
    one, two = (hashlib.sha256(text).hexdigest() for text in (b"1", b"2"))
    assert checksums(tmp_path) == f"{one}  a\n{two}  b\n"


def test_what_is_wrong_is_said_and_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path / "old", "")
    assert main(["check", "main"]) == 1
    assert main(["notes", "99.0.0"]) == 1
    assert main(["files", "--registry=ghcr.io/someone", f"--out={tmp_path}"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "release: the tag main is not of the form v1.2.3\n"
        "release: CHANGELOG.md has no section `## [99.0.0] - YYYY-MM-DD`\n"
        f"release: {tmp_path} is not empty\n"
    )
