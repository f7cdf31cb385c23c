"""Gzip: always the same bytes."""

from __future__ import annotations

import base64
import gzip
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.api.v1alpha1 import Compression, Format
from appconfig_operator.core.errors import Reason
from appconfig_operator.core.formats.compress import compress
from appconfig_operator.core.formats.render import LIMIT_BYTES
from tests.unit.support.formats import refused, written


@given(st.binary(max_size=500))
def test_gzip_is_read_back_and_always_the_same(body: bytes) -> None:
    packed = compress(body)
    assert gzip.decompress(packed) == body
    assert packed == compress(body)
    assert packed[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"


def test_gzip_is_binary_under_its_own_key() -> None:
    data = written(b'{"a": 1}', Format.RAW, key="a.json", compression=Compression.GZIP)
    assert not data.text
    assert gzip.decompress(base64.b64decode(data.binary["a.json.gz"])) == b'{"a": 1}'


def test_two_megabytes_fit_when_compressed() -> None:
    body = b'{"a": "' + b"x" * (2048 * 1024) + b'"}'
    size = refused(Reason.TOO_LARGE, written, body, Format.RAW)
    assert "2,097,161 bytes" in size
    assert "Gzip" in size
    assert "spec.select" in size
    assert "smaller configuration profile" in size
    assert written(body, Format.JSON, compression=Compression.GZIP).keys == 1


def test_what_does_not_fit_compressed_is_too_large_without_the_advice_to_compress() -> None:
    noise = Random(1).randbytes(LIMIT_BYTES + 100)
    words = refused(
        Reason.TOO_LARGE, written, noise, Format.RAW, "application/octet-stream", compression=Compression.GZIP
    )
    assert words.startswith("The compressed configuration has 1,04")
    assert "Gzip" not in words
