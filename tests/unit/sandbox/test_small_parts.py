"""Ports, keys, kubeconfigs and command lines."""

from __future__ import annotations

import base64
import json
import socket
from typing import TYPE_CHECKING

import pytest

from sandbox import LOOPBACK, free_ports
from sandbox.kube.keys import ec_private_key, write_private
from sandbox.kube.kubeconfig import write_kubeconfig
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


def test_key_is_der_of_the_right_lengths() -> None:
    first, second = ec_private_key(), ec_private_key()
    assert first != second
    lines = first.splitlines()
    assert (lines[0], lines[-1]) == ("-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----")
    der = base64.b64decode("".join(lines[1:-1]))
    assert der[0] == 0x30
    assert der[1] == len(der) - 2


def test_private_files_are_private(tmp_path: Path) -> None:
    path = write_private(tmp_path / "x", "secret")
    assert path.stat().st_mode & 0o777 == 0o600


def test_kubeconfig(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "shop.kubeconfig", "https://127.0.0.1:1", tmp_path / "ca.crt", "t0ken")
    assert path.stat().st_mode & 0o777 == 0o600
    content = json.loads(path.read_text())
    assert content["users"] == [{"name": "shop", "user": {"token": "t0ken"}}]
    assert content["contexts"][0]["context"]["user"] == "shop"
    assert content["clusters"][0]["cluster"]["certificate-authority"] == str(tmp_path / "ca.crt")
