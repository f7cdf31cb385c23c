from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.support.watching import Watching, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def it(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watching]:
    """A watch on sources, not started yet. All of its threads end with the test."""
    hurry(monkeypatch)
    made = Watching(monkeypatch)
    yield made
    assert made.end()
