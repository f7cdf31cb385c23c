"""What the tests of the chart share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import schemas

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def schema_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The API of Kubernetes, for kubeconform."""
    folder = tmp_path_factory.mktemp("schemas")
    schemas.write(folder)
    return folder
