"""What an archive of an image says."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

from sandbox.image import Archive

if TYPE_CHECKING:
    from pathlib import Path


def archived(path: Path, *layers: dict[str, bytes]) -> Path:
    """Write an OCI archive by hand."""
    blobs: dict[str, bytes] = {}

    def blob(content: bytes) -> dict[str, str | int]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    packed = [blob(gzip.compress(tarred(layer))) for layer in layers]
    manifest = {"config": blob(json.dumps({"config": {"User": "1"}}).encode()), "layers": packed}
    blobs["index.json"] = json.dumps({"manifests": [blob(json.dumps(manifest).encode())]}).encode()
    path.write_bytes(tarred(blobs))
    return path


def tarred(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def test_an_archive_is_read(tmp_path: Path) -> None:
    archive = Archive(archived(tmp_path / "image.tar", {"a": b"12"}, {"b": b"345"}))
    assert archive.config == {"User": "1"}
    assert [member.name for member in archive.members()] == ["a", "b"]
    assert archive.unpacked == 5
    assert 0 < archive.compressed < archive.path.stat().st_size
    (tmp_path / "root").mkdir()
    archive.unpack(tmp_path / "root")
    assert (tmp_path / "root/b").read_bytes() == b"345"
