"""A kubeconfig is private, and names user and server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.kube.kubeconfig import write_kubeconfig

if TYPE_CHECKING:
    from pathlib import Path


def test_kubeconfig(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "shop.kubeconfig", "https://127.0.0.1:1", tmp_path / "ca.crt", "t0ken")
    assert path.stat().st_mode & 0o777 == 0o600
    content = json.loads(path.read_text())
    assert content["users"] == [{"name": "shop", "user": {"token": "t0ken"}}]
    assert content["contexts"][0]["context"]["user"] == "shop"
    assert content["clusters"][0]["cluster"]["certificate-authority"] == str(tmp_path / "ca.crt")
