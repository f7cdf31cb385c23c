"""Archives of images."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.node.archive import Image

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(tmp_path: Path) -> dict[str, bytes]:
    """The files of an image's archive."""
    program = tmp_path / "program"
    program.write_bytes(b"run me")
    Image("localhost/a:1", {"/bin/a": program}, {"/bin/b": "a"}, ["/bin/a"]).write(tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        return {name: file.read() for name, file in files.items() if file}


def blob(archive: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = archive["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert descriptor["size"] == len(content)
    return content


def test_archive_leads_from_the_name_to_the_files(archive: dict[str, bytes]) -> None:
    assert json.loads(archive["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (named,) = json.loads(archive["index.json"])["manifests"]
    assert named["annotations"] == {"io.containerd.image.name": "localhost/a:1"}
    manifest = json.loads(blob(archive, named))
    config = json.loads(blob(archive, manifest["config"]))
    assert config["config"]["Cmd"] == ["/bin/a"]
    (layer,) = manifest["layers"]
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    with tarfile.open(fileobj=io.BytesIO(blob(archive, layer))) as tar:
        assert (tar.getmember("bin/a").mode, tar.getmember("bin/a").size) == (0o755, 6)
        assert tar.getmember("bin/b").linkname == "a"
