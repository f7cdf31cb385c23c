"""Keys, and the files that they are in."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sandbox.kube.keys import ec_private_key, write_private

if TYPE_CHECKING:
    from pathlib import Path


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
