"""How long each part of a story took, for people who read what the tests print at the end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Stages:
    """The parts of one story.

    Attributes
    ----------
    story
        Its name.
    seconds
        Where they go: what is in here is printed at the end.
    """

    story: str
    seconds: dict[str, float]

    def note(self, stage: str, seconds: float) -> None:
        """Note how long something took."""
        self.seconds[f"{self.story}: {stage}"] = seconds

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long what is done meanwhile took."""
        started = time.monotonic()
        yield
        self.note(stage, time.monotonic() - started)
