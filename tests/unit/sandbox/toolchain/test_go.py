"""Which Go is taken."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.toolchain import go

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.9 linux/amd64", (1, 9)),
        ("module x\n\ngo 1.26.0\n\ntoolchain go1.27.1\n", (1, 26, 0)),
        ("go version devel go1.27-abcdef linux/amd64", None),
        ("go version go1.27rc1 linux/amd64", None),
        ("", None),
    ],
    ids=["release", "two parts", "go.mod", "development", "candidate", "nothing"],
)
def test_version_of(text: str, version: tuple[int, ...] | None) -> None:
    assert go.version_of(text) == version


def test_versions_compare_as_numbers() -> None:
    older, newer = go.version_of("go 1.9.1"), go.version_of("go 1.26.0")
    assert older is not None
    assert newer is not None
    assert older < newer


def fake_go(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    path = folder / "go"
    path.write_text(f"#!/bin/sh\necho go version go{version} linux/amd64\n")
    path.chmod(0o755)
    return path


def test_the_machines_go_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_go(tmp_path / "machine", "1.26.0")
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")
    assert go.find_go("go 1.26.0\n") == path


def test_an_old_go_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = fake_go(tmp_path / "machine", "1.25.9")
    new = fake_go(tmp_path / "venv" / "bin", "1.26.1")
    monkeypatch.setenv("PATH", str(old.parent), prepend=":")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    assert go.find_go("go 1.26.0\n") == new


def test_with_neither_go_nor_uv_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(go.GoError, match=r"Go 1\.26\.0 or newer is needed.*KUBEBUILDER_ASSETS"):
        go.find_go("go 1.26.0\n")


def test_uv_is_asked_for_a_missing_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    uv = bin_folder / "uv"
    uv.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n'
        f"printf '#!/bin/sh\\necho go version go1.26.8 linux/amd64\\n' > {bin_folder}/go\n"
        f"/bin/chmod +x {bin_folder}/go\n"
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert go.find_go("go 1.26.0\n") == bin_folder / "go"
    assert (tmp_path / "asked").read_text().split() == ["sync", "--frozen", "--inexact", "--group", "go"]


def test_the_end_of_what_uv_said_is_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "uv").write_text("#!/bin/sh\necho no such group\nexit 2\n")
    (bin_folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(go.GoError, match=r"exit code 2:\n    no such group"):
        go.find_go("go 1.26.0\n")
