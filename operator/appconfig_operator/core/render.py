"""A received configuration and a target to the data of a ConfigMap."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.core.errors import ContentError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Target
    from appconfig_operator.core.content import Content

LIMIT_BYTES = 1_048_576
"""What the values of a ConfigMap may hold together. The API server counts no keys, and `binaryData` decoded:
https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go (ValidateConfigMap)
"""

DEFAULT_KEYS = {
    "application/json": "config.json",
    "application/x-yaml": "config.yaml",
    "application/yaml": "config.yaml",
    "text/yaml": "config.yaml",
    "text/x-yaml": "config.yaml",
    "text/plain": "config.txt",
    "application/ion": "config.ion",
}
"""Default key of the `Raw` format by MIME type. Anything else is `config`."""


@dataclass(frozen=True, slots=True)
class Data:
    """The data of a ConfigMap.

    Attributes
    ----------
    text
        `data`: values that are UTF-8.
    binary
        `binaryData`: values that are not, in base64.
    """

    text: Mapping[str, str] = field(repr=False)
    binary: Mapping[str, str] = field(repr=False)

    @property
    def digest(self) -> str:
        """`sha256:` and the hex digest of both maps as JSON with sorted keys and no blanks."""
        canonical = json.dumps(
            {"binaryData": dict(self.binary), "data": dict(self.text)},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def keys(self) -> int:
        """Number of keys."""
        return len(self.text) + len(self.binary)


def render(content: Content, target: Target) -> Data:
    """Render a configuration in the `Raw` format: one key, byte for byte what AppConfig sent.

    Raises
    ------
    ContentError
        `TooLarge`, when the ConfigMap would hold more than the API server takes.
    """
    if len(content.body) > LIMIT_BYTES:
        message = (
            f"The configuration has {len(content.body):,} bytes, a ConfigMap holds at most {LIMIT_BYTES:,}. "
            "Deploy a smaller one, or split it into several configuration profiles."
        )
        raise ContentError(Reason.TOO_LARGE, message)
    key = target.key or default_key(content.content_type)
    try:
        return Data(text={key: content.body.decode()}, binary={})
    except UnicodeDecodeError:
        return Data(text={}, binary={key: base64.b64encode(content.body).decode()})


def default_key(content_type: str) -> str:
    """Return the key of a document of that MIME type, whose parameters do not matter."""
    mime_type = content_type.partition(";")[0].strip().lower()
    return DEFAULT_KEYS.get(mime_type, "config")
