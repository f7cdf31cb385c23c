"""An image is built once for what it is made of."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.image import ImageError, build, build_image, interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    other = interpreter.Interpreter("3.12.1", "p", "/opt/python/lib/python3.12", None)
    mocker.patch.object(build, "find_interpreter", return_value=other)
    return tmp_path / "cache/appconfig-operator/images"


def stand_in(mocker: MockerFixture) -> tuple[list[str], list[Path]]:
    """Replace what runs mmdebstrap and buildah; return the bases and the builds that were asked for."""
    bases: list[str] = []
    builds: list[Path] = []

    def made(codename: str, _interpreter: interpreter.Interpreter, work: Path) -> Path:
        bases.append(codename)
        (work / "base.tar").write_text("base")
        return work / "base.tar"

    def built(_base: str, base_tar: Path, folder: Path, work: Path) -> Path:
        assert base_tar.read_text() == "base"
        builds.append(folder)
        (work / "image.tar").write_text("image")
        return work / "image.tar"

    mocker.patch.object(build, "_check_machine")
    mocker.patch.object(build, "make_base", side_effect=made)
    mocker.patch.object(build, "_build", side_effect=built)
    return bases, builds


def test_an_image_is_built_once_and_its_base_too(repository: Path, cache: Path, mocker: MockerFixture) -> None:
    bases, builds = stand_in(mocker)
    first = build_image(repository)
    assert build_image(repository) == first
    assert (len(bases), len(builds)) == (1, 1)
    (repository / "one").write_text("2")
    second = build_image(repository)
    assert second != first
    assert (bases, len(builds)) == (["trixie"], 2)
    assert len(list(cache.glob("*.tar"))) == 3
    assert list(cache.glob("build-*")) == []


def test_another_python_than_the_one_of_the_base_is_named(
    repository: Path, cache: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(mocker)
    assert build_image(repository).is_relative_to(cache)
    assert "sandbox: no Python 3.13 here, so the image gets Python 3.12.1\n" in capsys.readouterr().err
    build_image(repository)
    assert capsys.readouterr().err == ""


def test_images_that_nobody_asked_for_in_a_week_are_removed(
    repository: Path, cache: Path, mocker: MockerFixture
) -> None:
    stand_in(mocker)
    old = build_image(repository)
    long_ago = time.time() - 8 * 86400
    for file in cache.glob("*.tar"):
        os.utime(file, (long_ago, long_ago))
    (repository / "one").write_text("2")
    new = build_image(repository)
    assert not old.exists()
    # The base is old too, but was just used.
    assert {path.name.partition("-")[0] for path in cache.glob("*.tar")} == {"appconfig", "base"}
    assert new.exists()


def test_what_a_killed_build_left_is_removed(repository: Path, cache: Path, mocker: MockerFixture) -> None:
    stand_in(mocker)
    (cache / "build-killed/store").mkdir(parents=True)
    build_image(repository)
    assert list(cache.glob("build-*")) == []


def test_what_cannot_be_removed_spoils_no_image(
    repository: Path, cache: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(mocker)
    # Not a folder: to remove it as one fails, for root too.
    cache.mkdir(parents=True)
    (cache / "build-killed").touch()
    assert build_image(repository).read_text() == "image"
    assert "cannot be removed: [Errno 20] Not a directory" in capsys.readouterr().err


def test_nothing_is_left_of_a_build_that_fails(repository: Path, cache: Path, mocker: MockerFixture) -> None:
    stand_in(mocker)
    mocker.patch.object(build, "_build", side_effect=ImageError("buildah failed"))
    with pytest.raises(ImageError, match="buildah failed"):
        build_image(repository)
    assert [path.name.partition("-")[0] for path in cache.glob("*.tar")] == ["base"]
    assert list(cache.glob("build-*")) == []


@pytest.mark.usefixtures("cache")
def test_a_machine_without_buildah(repository: Path, mocker: MockerFixture) -> None:
    mocker.patch("sandbox.image.build.shutil.which", return_value=None)
    with pytest.raises(ImageError, match="buildah and mmdebstrap is needed"):
        build_image(repository)


@pytest.mark.usefixtures("cache")
def test_somebody_who_is_not_root(repository: Path, mocker: MockerFixture) -> None:
    mocker.patch("sandbox.image.build.shutil.which", return_value="/usr/bin/buildah")
    mocker.patch("sandbox.image.build.os.geteuid", return_value=1000)
    with pytest.raises(ImageError, match="root"):
        build_image(repository)
