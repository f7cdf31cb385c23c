"""What is started together ends together."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import pytest

from sandbox.processes.started import Started


@dataclass
class Two(Started):
    fails: bool = False
    ended: list[str] = field(default_factory=list)

    def _start(self, stack: ExitStack) -> None:
        stack.callback(self.ended.append, "first")
        if self.fails:
            raise OSError
        stack.callback(self.ended.append, "second")


def test_the_last_that_was_started_ends_first() -> None:
    with Two() as two:
        assert two.ended == []
    assert two.ended == ["second", "first"]


@pytest.mark.parametrize("times", [1, 2])
def test_what_was_started_ends_when_the_rest_does_not_start(times: int) -> None:
    two = Two(fails=True)
    for _ in range(times):
        with suppress(OSError), two:
            pytest.fail("it did not start")
    assert two.ended == ["first"] * times
