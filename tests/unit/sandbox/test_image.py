"""How the image is built here: what it is made of, and how a build reaches the package index."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import time
from configparser import RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.image import Archive, ImageError, build, build_image, interpreter
from sandbox.image.inputs import base_name, context, key, python_and_codename
from sandbox.image.machine import CA_SECRET, pip_conf, secrets, settings

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "code/__pycache__").mkdir(parents=True)
    (folder / "code/a.py").write_text("a")
    (folder / "code/__pycache__/a.pyc").write_text("a")
    (folder / "other").write_text("o")
    (folder / "one").write_text("1")
    (folder / ".dockerignore").write_text("# why\n*\n!code\n!one\n**/__pycache__\n")
    (folder / "Dockerfile").write_text("# why\nARG BASE=registry.example/python:3.13-slim-trixie\n\nFROM ${BASE}\n")
    return folder


def test_the_base_that_the_dockerfile_names() -> None:
    base = base_name((REPOSITORY / "Dockerfile").read_text(encoding="utf-8"))
    minor, codename = python_and_codename(base)
    assert base.endswith(f"/python:{minor}-slim-{codename}")


def test_a_dockerfile_without_a_base() -> None:
    with pytest.raises(ValueError, match="no ARG BASE"):
        base_name("FROM scratch\n")


@pytest.mark.parametrize(
    ("base", "found"),
    [("a/python:3.13-slim-trixie", ("3.13", "trixie")), ("a.b/c/python:3.12.4-slim-bookworm", ("3.12", "bookworm"))],
    ids=["minor", "patch"],
)
def test_what_a_base_is(base: str, found: tuple[str, str]) -> None:
    assert python_and_codename(base) == found


@pytest.mark.parametrize("base", ["a/python:3.13", "a/python:3.13-alpine", "a/debian:trixie-slim"])
def test_a_base_that_cannot_be_made(base: str) -> None:
    with pytest.raises(ValueError, match=base):
        python_and_codename(base)


def test_what_a_build_sees(repository: Path) -> None:
    seen = [str(path.relative_to(repository)) for path in context(repository)]
    assert seen == [".dockerignore", "Dockerfile", "code/a.py", "one"]


def test_the_real_build_sees_what_it_needs_and_no_tests() -> None:
    seen = {str(path.relative_to(REPOSITORY)) for path in context(REPOSITORY)}
    assert {"uv.lock", "pyproject.toml", "operator/appconfig_operator/app.py", "tools/image/__main__.py"} <= seen
    assert {name.partition("/")[0] for name in seen if "/" in name} == {"operator", "tools"}


def test_the_key_follows_content_names_modes_and_the_rest(repository: Path) -> None:
    def now(*others: str) -> str:
        return key(repository, context(repository), *others)

    keys = [now(), now("base")]
    (repository / "one").write_text("2")
    keys.append(now())
    (repository / "one").chmod(0o755)
    keys.append(now())
    (repository / "code/a.py").rename(repository / "code/b.py")
    keys.append(now())
    assert len(set(keys)) == len(keys)
    (repository / "other").write_text("p")
    assert now() == keys[-1]


LISTING = """\
:env:.default-timeout='180'
:env:.index-url='https://index.example/b'
:env:.find-links='/somewhere'
global.cert='/etc/ca.pem'
global.index-url='https://index.example/a'
global.trusted-host='a.example\\nb.example'
freeze.timeout='10'
"""


def test_settings_of_pip_and_which_of_them_win() -> None:
    assert settings(LISTING) == {
        "timeout": "180",
        "index-url": "https://index.example/b",
        "find-links": "/somewhere",
        "cert": "/etc/ca.pem",
        "trusted-host": "a.example\nb.example",
    }


def test_settings_for_the_build() -> None:
    read = RawConfigParser()
    read.read_string(pip_conf(settings(LISTING)))
    assert dict(read["global"]) == {
        "cert": CA_SECRET,
        "index-url": "https://index.example/b",
        "timeout": "180",
        "trusted-host": "a.example\nb.example",
    }


def test_settings_where_there_are_none() -> None:
    assert pip_conf(settings("")) == f"[global]\ncert = {CA_SECRET}\n"


def test_the_certificates_that_pip_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "own.pem"))
    assert secrets()[1] == tmp_path / "own.pem"


def test_certificates_of_pip_where_openssl_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_CERT", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    written, certificates = secrets()
    assert f"cert = {CA_SECRET}\n" in written
    assert "pip" in certificates.parts
    assert b"-----BEGIN CERTIFICATE-----" in certificates.read_bytes()


def test_an_interpreter_says_what_it_is() -> None:
    found = interpreter.ask(Path(sys.executable))
    assert found is not None
    assert found.minor == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (Path(found.standard) / "os.py").exists()
    assert os.access(found.program, os.X_OK)


def test_what_is_no_interpreter() -> None:
    assert interpreter.ask(Path("/bin/false")) is None


def test_an_interpreter_of_pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> None:
    programs = tmp_path / "versions/3.99.1/bin"
    programs.mkdir(parents=True)
    (programs / "python3.99").touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    there = interpreter.Interpreter("3.99.1", "p", "/opt/python/lib/python3.99", None)
    mocker.patch.object(interpreter, "ask", side_effect=lambda path: there if path == programs / "python3.99" else None)
    assert interpreter.find_interpreter("3.99") == there


def test_our_own_interpreter_when_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    own = interpreter.Interpreter("3.11.7", "p", "/opt/python/lib/python3.11", None)
    mocker.patch.object(interpreter, "ask", side_effect=lambda path: own if path == Path(sys.executable) else None)
    assert interpreter.find_interpreter("3.98") == own


def test_not_the_interpreter_of_the_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    debians = interpreter.Interpreter("3.98.2", "/usr/bin/python3.98", "/usr/lib/python3.98", None)
    mocker.patch.object(interpreter, "ask", return_value=debians)
    with pytest.raises(ImageError, match=r"a Python 3\.98 is needed, on PATH or among those of pyenv"):
        interpreter.find_interpreter("3.98")


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


def archived(path: Path, *layers: dict[str, bytes]) -> Path:
    """Write an OCI archive by hand."""
    blobs: dict[str, bytes] = {}

    def blob(content: bytes) -> dict[str, str | int]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    packed = [blob(gzip.compress(tarred(layer))) for layer in layers]
    manifest = {"config": blob(json.dumps({"config": {"User": "1"}}).encode()), "layers": packed}
    blobs["index.json"] = json.dumps({"manifests": [blob(json.dumps(manifest).encode())]}).encode()
    path.write_bytes(tarred(blobs))
    return path


def tarred(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def test_an_archive_is_read(tmp_path: Path) -> None:
    archive = Archive(archived(tmp_path / "image.tar", {"a": b"12"}, {"b": b"345"}))
    assert archive.config == {"User": "1"}
    assert [member.name for member in archive.members()] == ["a", "b"]
    assert archive.unpacked == 5
    assert 0 < archive.compressed < archive.path.stat().st_size
    (tmp_path / "root").mkdir()
    archive.unpack(tmp_path / "root")
    assert (tmp_path / "root/b").read_bytes() == b"345"
