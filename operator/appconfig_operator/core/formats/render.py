"""From a received configuration and a spec to the data of a ConfigMap."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import Compression, FlagOutput, Format, MultiVariant
from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.compress import compress
from appconfig_operator.core.formats.content_type import KEYS, MediaType, default_key, media_type
from appconfig_operator.core.formats.document import unsupported
from appconfig_operator.core.formats.feature_flags import ion_flags
from appconfig_operator.core.formats.flagd import flagd
from appconfig_operator.core.formats.flatten import entries, properties, variables
from appconfig_operator.core.formats.names import Naming
from appconfig_operator.core.formats.parse_json import parse_json
from appconfig_operator.core.formats.parse_yaml import parse_yaml
from appconfig_operator.core.formats.select import select
from appconfig_operator.core.formats.variants import (
    json_without_variants,
    named,
    variants,
    variants_in_json,
    without_variants,
)
from appconfig_operator.core.formats.write_dotenv import dotenv_text
from appconfig_operator.core.formats.write_json import json_text
from appconfig_operator.core.formats.write_properties import properties_text
from appconfig_operator.core.formats.write_yaml import yaml_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appconfig_operator.api.v1alpha1 import Spec, Target
    from appconfig_operator.core.formats.content import Content
    from appconfig_operator.core.formats.document import Document

LIMIT_BYTES = 1_048_576
"""Bytes that the values of a ConfigMap may have in total. The API server does not count keys, and decodes `binaryData`:
https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go (ValidateConfigMap)
"""

JSON_LIMIT_BYTES = 2_500_000
"""Bytes that the text of a ConfigMap may have as JSON: the API server accepts 3 MiB as the body of a request."""

STORED_LIMIT_BYTES = 1_500_000
STORED_BYTES_A_KEY = 16
"""Bytes that a ConfigMap with many keys may have in storage: etcd accepts 1.5 MiB, and each key appears twice, because
it is also in `managedFields`."""

SEPARATORS = {Format.ENV_VARS: "_", Format.DOTENV: "_"}
"""Default separators of formats. For the others, it is a dot."""


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
    def data_digest(self) -> str:
        """`sha256:` and the hex digest of both maps as JSON with sorted keys and no spaces."""
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


def render(content: Content, spec: Spec) -> Data:
    """Render a configuration according to a spec. The same content and spec always give the same data.

    Raises
    ------
    ContentError
        `InvalidContent`, if the document cannot be read, or cannot be written in the format; `UnsupportedContent`, if
        this content type cannot be converted to the format; `TooLarge`, if the ConfigMap would be larger than the API
        server accepts. No message contains a value of the configuration.
    """
    content = content.read_as(spec.content_type)
    target = spec.target
    if target.format is Format.ENTRIES:
        return _values(entries(_document(content, spec), _naming(target)), spec)
    if target.format is Format.ENV_VARS:
        return _values(variables(_document(content, spec), _naming(target)), spec)
    key, body = _file(content, spec)
    return _one(target.key or key, body, spec)


def _file(content: Content, spec: Spec) -> tuple[str, bytes]:
    """Return the requested file, and its default key."""
    target = spec.target
    wanted = target.format
    if wanted is Format.RAW:
        if _as_received(content, spec):
            return default_key(content.content_type), _raw(content, spec)
        # AppConfig did not send bytes for a part or a conversion: it is written in the language of the whole document.
        wanted = Format.YAML if media_type(content.content_type) is MediaType.YAML else Format.JSON
    document = _document(content, spec)
    match wanted:
        case Format.YAML:
            text = yaml_text(document)
        case Format.PROPERTIES:
            text = properties_text(properties(document, _naming(target)))
        case Format.DOTENV:
            text = dotenv_text(variables(document, _naming(target), wanted))
        case _:
            text = json_text(document)
    return KEYS.get(wanted, KEYS[Format.JSON]), text.encode()


def _as_received(content: Content, spec: Spec) -> bool:
    flags = spec.feature_flags
    if spec.select is not None or flags.output is FlagOutput.FLAGD:
        return False
    return media_type(content.content_type) is not MediaType.ION_FLAGS or flags.multi_variant is MultiVariant.RAW


def _raw(content: Content, spec: Spec) -> bytes:
    """Return the bytes that AppConfig sent, except for the names of variants, which come and go with experiments."""
    if spec.feature_flags.multi_variant is MultiVariant.RAW or not content.may_be_flags:
        return content.body
    found = variants_in_json(content.body)
    if not found:
        return content.body
    _check_variants(found, spec)
    return json_without_variants(content.body)


def _document(content: Content, spec: Spec) -> Document:
    """Read the document, select the requested part, and convert it to a flagd definition if requested."""
    document = _parse(content, spec)
    if spec.select is not None:
        document = select(document, spec.select)
    return flagd(document) if spec.feature_flags.output is FlagOutput.FLAGD else document


def _parse(content: Content, spec: Spec) -> Document:
    match media_type(content.content_type):
        case MediaType.JSON:
            return _default_variants(parse_json(content.body), spec)
        case MediaType.YAML:
            document = parse_yaml(content.body)
            return _default_variants(document, spec) if content.may_be_flags else document
        case MediaType.ION_FLAGS:
            return _default_variants(ion_flags(content.body).document, spec)
    raise unsupported(
        f"By its content type, the configuration is neither JSON nor YAML ({content.content_type[:100] or 'none'}), so "
        "only the format Raw without spec.select can be written. If it is one of them, set spec.contentType, for "
        "example to application/json; otherwise use the format Raw."
    )


def _default_variants(document: Document, spec: Spec) -> Document:
    _check_variants(variants(document), spec)
    return without_variants(document)


def _check_variants(found: Sequence[str], spec: Spec) -> None:
    """Refuse multi-variant flags, unless their default variants are requested."""
    if not found or spec.feature_flags.multi_variant is MultiVariant.DEFAULT_VARIANT:
        return
    if spec.feature_flags.multi_variant is MultiVariant.RAW:
        raise unsupported(
            f"The profile has multi-variant feature flags ({named(found)}), and spec.featureFlags.multiVariant is Raw: "
            "Amazon Ion can only be written in the format Raw, without spec.select and with "
            "spec.featureFlags.output AppConfig. Set that, or set multiVariant to DefaultVariant."
        )
    raise unsupported(
        f"The profile has multi-variant feature flags, which spec.featureFlags.multiVariant refuses: {named(found)}. "
        "Only the AppConfig Agent evaluates their rules. Set multiVariant to DefaultVariant for the variants without "
        "a rule, or to Raw for the Amazon Ion with the rules."
    )


def _naming(target: Target) -> Naming:
    separator = SEPARATORS.get(target.format, ".") if target.separator is None else target.separator
    return Naming(separator, target.prefix, target.env_var_case)


def _values(values: Mapping[str, str], spec: Spec) -> Data:
    size = sum(len(value.encode()) for value in values.values())
    _check_size(size, spec)
    names = sum(map(len, values))
    stored = size + 2 * names + STORED_BYTES_A_KEY * len(values)
    # Not as bytes if the JSON is too long: envFrom does not read those.
    if stored > STORED_LIMIT_BYTES or _is_long_json(dict(values), size + names):
        raise ContentError(
            Reason.TOO_LARGE,
            f"The configuration has {len(values):,} keys and {size:,} bytes of values, together more than the API "
            "server can store. Use spec.select for a part of it, or a format that writes one file.",
        )
    return Data(text=values, binary={})


def _one(key: str, body: bytes, spec: Spec) -> Data:
    if spec.target.compression is Compression.GZIP:
        packed = compress(body)
        _check_size(len(packed), spec)
        return Data(text={}, binary={f"{key}.gz": base64.b64encode(packed).decode()})
    _check_size(len(body), spec)
    text = _text(body)
    if text is None:
        return Data(text={}, binary={key: base64.b64encode(body).decode()})
    return Data(text={key: text}, binary={})


def _text(body: bytes) -> str | None:
    """Return the text of a file, or `None` if it has to be written as bytes."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _is_long_json(text, len(body)) else text


def _is_long_json(value: object, size: int) -> bool:
    # A control character takes six characters in JSON. If even that would not be too long, there is no need to count.
    return size * 6 > JSON_LIMIT_BYTES and len(json.dumps(value, ensure_ascii=False).encode()) > JSON_LIMIT_BYTES


def _check_size(size: int, spec: Spec) -> None:
    if size <= LIMIT_BYTES:
        return
    ways = ["spec.select for a part of it", "a smaller configuration profile"]
    if spec.target.compression is Compression.GZIP:
        written = "The compressed configuration"
    else:
        written = "The configuration"
        many = spec.target.format in {Format.ENTRIES, Format.ENV_VARS}
        ways.insert(0, "spec.target.compression: Gzip" + (" with a format that writes one file" if many else ""))
    message = (
        f"{written} has {size:,} bytes when written, and a ConfigMap holds at most {LIMIT_BYTES:,}. "
        f"Use {', '.join(ways[:-1])}, or {ways[-1]}."
    )
    raise ContentError(Reason.TOO_LARGE, message)
