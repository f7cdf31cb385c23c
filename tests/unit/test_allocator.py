"""Another C library, or none that can be asked, is no reason not to start."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from appconfig_operator import allocator

if TYPE_CHECKING:
    import pytest


def test_large_blocks_go_back() -> None:
    allocator.give_back_large_blocks()


def test_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object) -> object:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", none)
    allocator.give_back_large_blocks()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    allocator.give_back_large_blocks()
