"""Replaced versions, kept as `ControllerRevision` objects (`apps/v1`) that the source owns."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.status import KeptVersion
from appconfig_operator.api.text import label
from appconfig_operator.api.v1alpha1 import API_VERSION, KIND
from appconfig_operator.core.managed import FIELD_MANAGER
from appconfig_operator.core.plan import CONTENT_TYPE, DIGEST, MANAGED_BY, SOURCE_UID, VERSION_LABEL
from appconfig_operator.core.render import Data
from appconfig_operator.core.version import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source

PLAIN_LIMIT_BYTES = 524_288
"""JSON of a kept version above which it is compressed: etcd takes 1.5 MiB a request, and JSON escapes can be long."""

_NAME_LENGTH = 200  # of 253, with room for the suffix


def replaced_version(observed: Mapping[str, Any]) -> Version | None:
    """Return the version that a ConfigMap holds, or `None` when its data is not what the operator wrote."""
    annotations = observed["metadata"].get("annotations") or {}
    data = Data(text=observed.get("data") or {}, binary=observed.get("binaryData") or {})
    if annotations.get(DIGEST) != data.digest:
        return None
    return Version(data=data, label=annotations.get(VERSION_LABEL, ""), content_type=annotations.get(CONTENT_TYPE, ""))


def revision_name(source: Source, digest: str) -> str:
    """Return the name of the ControllerRevision of a version.

    It has the uid of the source, so that one that is made again never meets what is still being collected.
    """
    prefix = source.name[:_NAME_LENGTH].rstrip(".-")
    return f"{prefix}-{source.uid[:8]}-{digest.removeprefix('sha256:')[:12]}"


def to_revision(source: Source, version: Version, number: int) -> dict[str, Any]:
    """Describe the ControllerRevision that keeps a version."""
    digest = version.data.digest
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "namespace": source.namespace,
            "name": revision_name(source, digest),
            "labels": {MANAGED_BY: FIELD_MANAGER, SOURCE_UID: source.uid},
            "annotations": {DIGEST: digest, VERSION_LABEL: version.label, CONTENT_TYPE: version.content_type},
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": source.name,
                    "uid": source.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "revision": number,
        "data": _packed(version.data),
    }


def from_revision(body: Mapping[str, Any]) -> Version | None:
    """Read a kept version, or `None` when it is not what was kept: then it must not be written anywhere."""
    annotations = body["metadata"].get("annotations") or {}
    try:
        data = _unpacked(body.get("data") or {})
    except (ValueError, OSError, EOFError, TypeError, AttributeError):
        return None
    if data.digest != annotations.get(DIGEST):
        return None
    return Version(data=data, label=annotations.get(VERSION_LABEL, ""), content_type=annotations.get(CONTENT_TYPE, ""))


def _packed(data: Data) -> dict[str, Any]:
    plain = {name: dict(values) for name, values in (("data", data.text), ("binaryData", data.binary)) if values}
    text = json.dumps(plain, ensure_ascii=False).encode()
    if len(text) <= PLAIN_LIMIT_BYTES:
        return plain
    return {"gzip": base64.b64encode(gzip.compress(text, mtime=0)).decode()}


def _unpacked(packed: Mapping[str, Any]) -> Data:
    if "gzip" in packed:
        packed = json.loads(gzip.decompress(base64.b64decode(packed["gzip"])))
    return Data(text=dict(packed.get("data") or {}), binary=dict(packed.get("binaryData") or {}))


@dataclass(frozen=True, slots=True)
class Pruned:
    """A history within its limit, newest first, and the digests of what falls out of it."""

    history: tuple[KeptVersion, ...]
    dropped: tuple[str, ...]


def remembered(
    history: tuple[KeptVersion, ...], version: Version, *, now: str
) -> tuple[tuple[KeptVersion, ...], KeptVersion]:
    """Put a replaced version on top of a history. One that was there already moves up."""
    digest = version.data.digest
    number = max((kept.revision for kept in history), default=0) + 1
    newest = KeptVersion(digest=digest, version_label=label(version.label), revision=number, replaced_time=now)
    return (newest, *(kept for kept in history if kept.digest != digest)), newest


def pruned(history: tuple[KeptVersion, ...], *, limit: int, pinned: str | None) -> Pruned:
    """Cut a history to its limit, oldest first. A pinned version is never dropped, and counts."""
    keep = [kept for kept in history if kept.digest == pinned]
    for kept in history:
        if kept not in keep and len(keep) < limit:
            keep.append(kept)
    return Pruned(
        history=tuple(kept for kept in history if kept in keep),
        dropped=tuple(kept.digest for kept in history if kept not in keep),
    )
