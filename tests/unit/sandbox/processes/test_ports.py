"""Free ports."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from sandbox import LOOPBACK, free_ports
from sandbox.processes import ports

if TYPE_CHECKING:
    from pathlib import Path


def test_ports_are_distinct_and_free() -> None:
    found = free_ports(20)
    assert len(set(found)) == 20
    for port in found:
        with socket.create_server((LOOPBACK, port)):
            pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [("40000 60999", range(10_300, 40_000)), ("1024 65535", range(10_300, 32_768)), ("?", range(10_300, 32_768))],
    ids=["below it", "no room below it", "unknown"],
)
def test_ports_are_below_the_ephemeral_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: range
) -> None:
    file = tmp_path / "range"
    file.write_text(text)
    monkeypatch.setattr(ports, "_EPHEMERAL", file)
    assert ports._below_ephemeral() == expected


def test_a_port_in_use_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setattr(ports, "_below_ephemeral", lambda: range(port, port + 1))
    assert free_ports(1) == [port]
    with socket.create_server((LOOPBACK, port)), pytest.raises(OSError, match="no 1 free ports"):
        free_ports(1)
