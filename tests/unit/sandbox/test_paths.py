"""Files that the sandbox finds beside its own modules are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.image import alone
from sandbox.kube import operator_process
from sandbox.node import images
from sandbox.processes import process
from sandbox.toolchain import modules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "path",
    [alone._GUARD, process._GUARD, operator_process.MANIFESTS, images._PAUSE_SOURCE, modules._FOLDER],
    ids=lambda path: path.name,
)
def test_it_is_there(path: Path) -> None:
    assert path.exists()
