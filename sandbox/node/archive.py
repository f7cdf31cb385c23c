"""Image archives without a container engine: one layer, in the format of the Open Container Initiative."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TYPE = "application/vnd.oci.image"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """The contents of an image."""

    name: str
    """The name with its tag: ``localhost/busybox:1``."""
    programs: Mapping[str, Path]
    """Executable files, by their path in the image."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links: the target of each path."""
    command: Sequence[str] = ()
    """Its default command."""

    def write(self, archive: Path) -> None:
        """Write its archive.

        Parameters
        ----------
        archive
            The file to write.
        """
        blobs: dict[str, bytes] = {}

        def put(kind: str, content: bytes) -> dict[str, object]:
            digest = hashlib.sha256(content).hexdigest()
            blobs[f"blobs/sha256/{digest}"] = content
            return {"mediaType": f"{_TYPE}.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

        layer = put("layer.v1.tar", self._layer())
        config = put("config.v1+json", self._config(layer["digest"]))
        manifest = put("manifest.v1+json", _json({"schemaVersion": 2, "config": config, "layers": [layer]}))
        # containerd's own key, because the standard key has room for the tag only.
        named = {**manifest, "annotations": {"io.containerd.image.name": self.name}}
        index = {"schemaVersion": 2, "manifests": [named]}
        files = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index), **blobs}
        with tarfile.open(archive, "w") as tar:
            for path, content in files.items():
                _add(tar, path, content, 0o644)

    def _layer(self) -> bytes:
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            for path, program in self.programs.items():
                _add(tar, path.lstrip("/"), program.read_bytes(), 0o755)
            for path, target in self.links.items():
                link = tarfile.TarInfo(path.lstrip("/"))
                link.type, link.linkname = tarfile.SYMTYPE, target
                tar.addfile(link)
        return layer.getvalue()

    def _config(self, layer_digest: object) -> bytes:
        return _json(
            {
                "architecture": _ARCHITECTURES[platform.machine()],
                "os": "linux",
                "config": {"Cmd": list(self.command), "Env": [f"PATH={_PATH}"], "WorkingDir": "/"},
                "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            }
        )


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
