"""What needs the network is tried again."""

from __future__ import annotations

import pytest

from sandbox.toolchain import persistence
from sandbox.toolchain.persistence import persist


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made."""
    made: list[float] = []
    monkeypatch.setattr("sandbox.toolchain.persistence.time.sleep", made.append)
    monkeypatch.setattr(persistence, "PAUSES", (5.0, 20.0))
    return made


class Attempt:
    """Fails so many times."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.made = 0
        self._failures, self._error = failures, error

    def __call__(self) -> str:
        self.made += 1
        if self.made <= self._failures:
            raise self._error
        return "there"


def test_what_succeeds_is_made_once(pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    attempt = Attempt(0, OSError())
    assert persist(attempt, OSError, "download") == "there"
    assert (attempt.made, pauses, capsys.readouterr().err) == (1, [], "")


def test_what_fails_is_made_again(pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    assert persist(Attempt(2, OSError("disk full")), OSError, "download") == "there"
    assert pauses == [5.0, 20.0]
    reported = "sandbox: download failed:\n    disk full\nRetrying in {} s.\n"
    assert capsys.readouterr().err == reported.format(5) + reported.format(20)


def test_the_last_failure_is_told(pauses: list[float]) -> None:
    attempt = Attempt(9, OSError("no network"))
    with pytest.raises(OSError, match="no network"):
        persist(attempt, OSError, "download")
    assert (attempt.made, len(pauses)) == (3, 2)


def test_another_error_is_not_waited_for(pauses: list[float]) -> None:
    with pytest.raises(ValueError, match="a bug"):
        persist(Attempt(1, ValueError("a bug")), OSError, "download")
    assert pauses == []
