"""A repository whose image is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


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
