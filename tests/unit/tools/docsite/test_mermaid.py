"""The script that draws the diagrams is the one that is meant."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from tools.docsite import mermaid

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"package/dist/mermaid.tiny.js": b"script", "package/LICENSE": b"license", "package/other": b""}


def packed() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return content.getvalue()


def test_the_files_of_the_package() -> None:
    content = packed()
    found = mermaid.unpack(content, mermaid.integrity(content))
    assert found == {"mermaid.js": b"script", "mermaid-LICENSE.txt": b"license"}


def test_another_package_is_refused() -> None:
    with pytest.raises(mermaid.MermaidError, match="its digest is sha512-"):
        mermaid.unpack(packed(), mermaid.INTEGRITY)


def test_the_package_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed()
    fetched: list[bytes] = [content]
    monkeypatch.setattr(mermaid, "fetch", fetched.pop)
    monkeypatch.setattr(mermaid, "INTEGRITY", mermaid.integrity(content))
    for _ in range(2):
        mermaid.install(tmp_path / "cache", tmp_path / "assets")
    assert not fetched
    assert (tmp_path / "assets" / "mermaid.js").read_bytes() == b"script"


def test_what_was_cut_off_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mermaid, "fetch", lambda: b"half")
    with pytest.raises(mermaid.MermaidError, match="its digest"):
        mermaid.install(tmp_path / "cache", tmp_path / "assets")
    assert not list((tmp_path / "cache").glob("*"))
