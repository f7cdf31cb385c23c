"""Reads an image from its archive."""

from __future__ import annotations

import gzip
import json
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Archive:
    """An OCI archive with one image."""

    path: Path
    """Where it is."""

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of its containers: ``Entrypoint``, ``Env``, ``Labels`` and so on."""
        return cast("dict[str, Any]", self._json(self._blob(self._manifest["config"]["digest"]))["config"])

    @property
    def compressed(self) -> int:
        """The number of bytes that a node pulls."""
        return sum(layer["size"] for layer in self._manifest["layers"])

    @property
    def unpacked(self) -> int:
        """The number of bytes that a node stores."""
        return sum(member.size for member in self.members())

    def members(self) -> list[tarfile.TarInfo]:
        """List the contents of all layers.

        Returns
        -------
        list of tarfile.TarInfo
            Files, folders and links.
        """
        found = []
        for layer in self._layers():
            found += layer.getmembers()
        return found

    def unpack(self, folder: Path) -> None:
        """Write all layers into a folder, with owners and permissions. Only root can do this.

        Parameters
        ----------
        folder
            An empty folder.
        """
        for layer in self._layers():
            # We built it ourselves, and links must stay unchanged.
            layer.extractall(folder, numeric_owner=True, filter="fully_trusted")  # noqa: S202

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        (image,) = self._json("index.json")["manifests"]
        return self._json(self._blob(image["digest"]))

    @staticmethod
    def _blob(digest: str) -> str:
        return f"blobs/{digest.replace(':', '/')}"

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        with tarfile.open(self.path) as archive:
            file = archive.extractfile(name)
            if file is None:
                message = f"{self.path} has no file {name}"
                raise ValueError(message)
            with file:
                yield file

    def _json(self, name: str) -> dict[str, Any]:
        with self._open(name) as file:
            return cast("dict[str, Any]", json.load(file))

    def _layers(self) -> Iterator[tarfile.TarFile]:
        for layer in self._manifest["layers"]:
            with (
                self._open(self._blob(layer["digest"])) as packed,
                gzip.open(packed) as unpacked,
                tarfile.open(fileobj=unpacked) as files,
            ):
                yield files
