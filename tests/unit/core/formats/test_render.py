from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.api.v1alpha1 import FeatureFlags, Format, MultiVariant
from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.content_type import default_key
from appconfig_operator.core.formats.render import LIMIT_BYTES, Data, render
from tests.support.builders import content, spec, target


@given(st.binary(max_size=4096))
def test_raw_gives_back_the_bytes_that_came(body: bytes) -> None:
    data = render(content(body), spec(target=target(key="file")))
    if "file" in data.text:
        assert data.text["file"].encode() == body
        assert not data.binary
    else:
        assert base64.b64decode(data.binary["file"]) == body
        assert not data.text
    assert data.keys == 1


@given(st.text(max_size=200))
def test_text_stays_text(text: str) -> None:
    encodable = text.encode("utf-8", "ignore")
    assert render(content(encodable), spec(target=target(key="file"))).text["file"].encode() == encodable


def test_an_empty_configuration_is_an_empty_file() -> None:
    assert render(content(b""), spec(target=target(key="file"))) == Data(text={"file": ""}, binary={})


def test_text_that_would_be_too_long_as_json_goes_into_binary_data() -> None:
    for character, binary in ((b"\x01", True), (b"x", False), ("ü".encode(), False)):
        data = render(content(character * (LIMIT_BYTES // len(character)), content_type="text/plain"), spec())
        assert bool(data.binary) is binary


def test_values_that_would_be_too_long_as_json_are_too_large() -> None:
    document = json.dumps({"a": "\x01" * 1_000_000}).encode()
    refused(document)


def test_keys_count_where_there_are_many_of_them() -> None:
    """20,000 keys of 21 characters with 50 bytes each are refused by etcd, and were tried there."""
    refused(json.dumps({f"servers{number:05}name-of-it": "x" * 50 for number in range(20_000)}).encode())


def refused(document: bytes) -> None:
    with pytest.raises(ContentError, match="together more than the API server can store") as caught:
        render(content(document), spec(target=target(key=None, format=Format.ENTRIES)))
    assert caught.value.reason is Reason.TOO_LARGE


def test_what_is_not_utf8_goes_into_binary_data() -> None:
    assert render(content(b"\xff\x00"), spec(target=target(key="file"))) == Data(text={}, binary={"file": "/wA="})


@pytest.mark.parametrize(
    ("content_type", "key"),
    [
        ("application/json", "config.json"),
        ("Application/JSON; charset=utf-8", "config.json"),
        ("application/x-yaml", "config.yaml"),
        ("text/yaml", "config.yaml"),
        ("text/plain", "config.txt"),
        ("application/ion;type=AWS.AppConfig.FeatureFlags", "config.ion"),
        ("application/octet-stream", "config"),
        ("", "config"),
    ],
)
def test_the_default_key_follows_the_content_type(content_type: str, key: str) -> None:
    assert default_key(content_type) == key
    flags = FeatureFlags(multi_variant=MultiVariant.RAW)
    wanted = spec(target=target(key=None), feature_flags=flags)
    assert list(render(content(content_type=content_type), wanted).text) == [key]


def test_a_key_of_the_user_wins_over_the_default() -> None:
    assert list(render(content(), spec(target=target(key="mine.txt"))).text) == ["mine.txt"]


@pytest.mark.parametrize("body", [b"x", b"\xff"], ids=["text", "binary"])
def test_the_limit_is_what_the_api_server_takes(body: bytes) -> None:
    assert render(content(body * LIMIT_BYTES), spec(target=target())).keys == 1
    with pytest.raises(ContentError) as caught:
        render(content(body * (LIMIT_BYTES + 1), content_type="text/plain"), spec())
    assert caught.value.reason is Reason.TOO_LARGE
    assert "1,048,577" in caught.value.message
    assert "1,048,576" in caught.value.message


def test_the_digest_is_over_the_canonical_json_of_both_maps() -> None:
    data = Data(text={"b": "ü", "a": "1"}, binary={"c": "/w=="})
    canonical = '{"binaryData":{"c":"/w=="},"data":{"a":"1","b":"ü"}}'
    assert data.data_digest == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    assert data.data_digest == Data(text={"a": "1", "b": "ü"}, binary={"c": "/w=="}).data_digest


def test_the_digest_of_content_is_over_its_bytes() -> None:
    assert content(b"abc").content_digest == "sha256:" + hashlib.sha256(b"abc").hexdigest()


def test_no_value_shows_in_a_repr() -> None:
    assert "geheim" not in repr(content(b"geheim"))
    assert "geheim" not in repr(render(content(b"geheim"), spec(target=target())))
