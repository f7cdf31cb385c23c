"""The interpreter that a base image gets."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.image import ImageError, interpreter

if TYPE_CHECKING:
    from pytest_mock import MockerFixture


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
