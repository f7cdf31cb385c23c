"""One replaced version as a `ControllerRevision` (`apps/v1`): how it is written, and what is believed when it is read.

The API server makes `data` immutable, and re-encodes what it is given: it escapes `&`, `<`, `>` and U+2028, and may
sort keys. So the data is one line of base64, which there is nothing to re-encode in, and a revision is never changed:
one with another number is another object.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import CONTENT_TYPE, DIGEST, FIELD_MANAGER, MANAGED_BY, SOURCE_UID, VERSION_LABEL
from appconfig_operator.api.status import KeptVersion
from appconfig_operator.api.v1alpha1 import API_VERSION, GROUP, KIND
from appconfig_operator.core.formats.compress import compress
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.rendered_version import RenderedVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source

REVISION = f"{GROUP}/revision"
REPLACED_TIME = f"{GROUP}/replaced-time"

UNPACKED_LIMIT_BYTES = 8 * 1024 * 1024
"""What the JSON of a kept version may have: 1 MiB of values, each character escaped with six at worst, and the keys.
Without a bound, 1.2 MB of gzip unpack to 1.8 GB."""

KEYS_LIMIT = 100_000
"""Keys that it may have. etcd takes fewer, since each appears twice; each costs 200 bytes once it is parsed."""

NUMBER_LIMIT = 2**53
"""Numbers from here on are not used: the API server does not accept the one after the largest."""

_NAME_LENGTH = 200  # of 253, with room for the suffixes
_GZIP = 16 + zlib.MAX_WBITS
_LABEL_LENGTH = 1024  # as much of a label as the status takes
_TIME = "%Y-%m-%dT%H:%M:%SZ"

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TEXTS = rb"\{(?:" + _TEXT + rb": ?" + _TEXT + rb"(?:, ?" + _TEXT + rb": ?" + _TEXT + rb")*+)?\}"
_SHAPE = re.compile(
    rb"\{(?:" + _TEXT + rb": ?" + _TEXTS + rb"(?:, ?" + _TEXT + rb": ?" + _TEXTS + rb")?)?\}", re.DOTALL
)
"""Two maps of texts at most. What else there may be in JSON takes a multiple of its length once it is parsed."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A ControllerRevision that was read whole, and holds what it says it does.

    Attributes
    ----------
    name, uid, resource_version
        The object, so that it is this one that is deleted, as it was read.
    kept
        What the status says of it.
    version
        What it keeps.
    """

    name: str
    uid: str
    resource_version: str
    kept: KeptVersion
    version: RenderedVersion = field(repr=False)

    def deletion(self) -> dict[str, Any]:
        """Describe the deletion of this very object, as it was read."""
        preconditions = {"uid": self.uid, "resourceVersion": self.resource_version}
        return {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}


def revision_names(source: Source, data_digest: str, number: int | None) -> list[str]:
    """Return the names under which the ControllerRevision of a version is, the likeliest first.

    They have the uid of the source, so that one that is made again never meets what is still being collected. The last
    one is of releases before numbers were in it.
    """
    stem = f"{name_prefix(source)}{data_digest.removeprefix('sha256:')[:12]}"
    return [stem] if number is None else [f"{stem}-{number}", stem]


def name_prefix(source: Source) -> str:
    """Return what the API server makes a name from, where the one that is meant is taken by something else."""
    return f"{source.name[:_NAME_LENGTH].rstrip('.-')}-{source.uid[:8]}-"


def to_revision(source: Source, version: RenderedVersion, kept: KeptVersion) -> dict[str, Any]:
    """Describe the ControllerRevision that keeps a version."""
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": source.name, "uid": source.uid}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "namespace": source.namespace,
            "name": revision_names(source, kept.data_digest, kept.revision)[0],
            "labels": {MANAGED_BY: FIELD_MANAGER, SOURCE_UID: source.uid},
            "annotations": {
                DIGEST: kept.data_digest,
                VERSION_LABEL: kept.version_label,
                CONTENT_TYPE: version.content_type,
                # A list of metadata has no `revision`, and objects that are listed whole can be 1 MB each.
                REVISION: str(kept.revision),
                REPLACED_TIME: kept.replaced_time,
            },
            "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": False}],
        },
        "revision": kept.revision,
        "data": _packed(version.data),
    }


def belongs_to(uid: str, metadata: Mapping[str, Any]) -> bool:
    """Return whether a source is the controller of an object. Anyone can copy its label to anywhere."""
    owners = metadata.get("ownerReferences") or ()
    return any(owner["uid"] == uid and owner.get("controller") for owner in owners)


def noted(metadata: Mapping[str, Any]) -> tuple[str, int]:
    """Return the digest and the number in the metadata of a revision, empty and 0 where they are missing."""
    annotations = metadata.get("annotations") or {}
    number = annotations.get(REVISION, "")
    return annotations.get(DIGEST, ""), int(number) if re.fullmatch("[1-9][0-9]{0,15}", number) else 0


def from_revision(source: Source, body: Mapping[str, Any]) -> Revision | None:
    """Read a kept version, or `None` when it is not what the operator kept: it is not to be believed, or touched."""
    metadata, number = body["metadata"], body.get("revision")
    if not belongs_to(source.uid, metadata) or not isinstance(number, int) or not 0 < number < NUMBER_LIMIT:
        return None
    annotations = metadata.get("annotations") or {}
    try:
        data = _unpacked(body.get("data"))
        data_digest = data.data_digest
    except (ValueError, TypeError, zlib.error, RecursionError):
        return None
    if data_digest != annotations.get(DIGEST):
        return None
    label = version_label(annotations)
    replaced = _time(annotations.get(REPLACED_TIME, "")) or metadata["creationTimestamp"]
    return Revision(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        kept=KeptVersion(data_digest=data_digest, version_label=label, revision=number, replaced_time=replaced),
        version=RenderedVersion(data=data, label=label, content_type=annotations.get(CONTENT_TYPE, "")),
    )


def version_label(annotations: Mapping[str, str]) -> str:
    """Return the version label in annotations, cut to what the status takes: anyone can have changed it."""
    return annotations.get(VERSION_LABEL, "")[:_LABEL_LENGTH]


def _packed(data: Data) -> dict[str, Any]:
    plain = {name: dict(values) for name, values in (("data", data.text), ("binaryData", data.binary)) if values}
    return {"gzip": base64.b64encode(compress(json.dumps(plain, ensure_ascii=False).encode())).decode()}


def _unpacked(packed: object) -> Data:
    """Read the data, whatever it is. Earlier releases wrote the two maps as they are, up to 512 KiB."""
    if isinstance(packed, dict) and "gzip" in packed:
        packed = json.loads(_inflated(packed["gzip"]))
    if not isinstance(packed, dict):
        raise TypeError
    return Data(text=_texts(packed.get("data") or {}), binary=_texts(packed.get("binaryData") or {}))


def _inflated(text: str) -> bytes:
    inflate = zlib.decompressobj(_GZIP)
    raw = inflate.decompress(base64.b64decode(text, validate=True), UNPACKED_LIMIT_BYTES)
    # A quote inside of a text is escaped, so that this counts the pairs of a key and a value.
    if not inflate.eof or raw.count(b'": "') > KEYS_LIMIT or _SHAPE.fullmatch(raw) is None:
        raise ValueError
    return raw


def _texts(values: object) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise TypeError
    return values


def _time(text: str) -> str:
    try:
        return datetime.strptime(text, _TIME).strftime(_TIME)  # noqa: DTZ007 (it is UTC, and only checked)
    except ValueError:
        return ""
