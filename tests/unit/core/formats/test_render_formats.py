"""What becomes of a configuration in each format."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import javaproperties
import pytest
import yaml
from dotenv import dotenv_values

from appconfig_operator.api.v1alpha1 import FeatureFlags, FlagOutput, Format, MultiVariant
from appconfig_operator.core.errors import Reason
from appconfig_operator.core.formats.render import LIMIT_BYTES, render
from tests.support.builders import content, spec, target
from tests.unit.support.formats import node_reads, refused, written


@pytest.mark.parametrize("kind", list(Format))
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", ""])
def test_only_documents_are_converted(kind: Format, content_type: str) -> None:
    body = b'{"a": "geheim"}'
    if kind is Format.RAW:
        assert list(written(body, kind, content_type).text.values()) == [body.decode()]
    else:
        words = refused(Reason.UNSUPPORTED_CONTENT, written, body, kind, content_type)
        assert "By its content type, the configuration is neither JSON nor YAML" in words


@pytest.mark.parametrize("value", ["line 1\r\nline 2", "\r\n", "a\rb", "-----BEGIN-----\r\nx=\r\n-----END-----\r\n"])
def test_line_ends_of_windows_arrive_in_every_format(value: str) -> None:
    body = json.dumps({"pem": value}).encode()
    assert json.loads(written(body, Format.JSON).text["config.json"]) == {"pem": value}
    assert yaml.safe_load(written(body, Format.YAML).text["config.yaml"]) == {"pem": value}
    assert javaproperties.loads(written(body, Format.PROPERTIES).text["config.properties"]) == {"pem": value}
    text = written(body, Format.DOTENV).text["config.env"]
    assert dict(dotenv_values(stream=io.StringIO(text, newline=""))) == node_reads(text) == {"PEM": value}
    assert written(body, Format.ENTRIES).text == {"pem": value}
    assert written(body, Format.ENV_VARS).text == {"PEM": value}
    for kind in (Format.JSON, Format.YAML, Format.PROPERTIES, Format.DOTENV):
        assert "\r" not in next(iter(written(body, kind).text.values())), "an editor or git could change it"


OPAQUE = ("application/octet-stream", "binary/octet-stream", "")


@pytest.mark.parametrize("opaque", OPAQUE)
@pytest.mark.parametrize("kind", list(Format))
def test_the_content_type_of_the_spec_takes_the_place_of_what_appconfig_says(kind: Format, opaque: str) -> None:
    """Parameter Store, Secrets Manager, CodePipeline and some objects of S3 have no type of their own."""
    body = b'{"db": {"host": "x"}}'
    wanted = spec(content_type="application/json", target=target(format=kind, key=None))
    assert render(content(body, content_type=opaque), wanted) == written(body, kind)


def test_the_content_type_of_the_spec_decides_the_language_and_the_default_key() -> None:
    received = content(b"a: {b: 1.10}", content_type="application/octet-stream")
    part = render(received, spec(content_type="text/x-yaml", select="/a", target=target(key=None)))
    assert part.text == {"config.yaml": "b: 1.10\n"}
    raw = render(received, spec(content_type="text/x-java-properties", target=target(key=None)))
    assert raw.text == {"config.properties": "a: {b: 1.10}"}
    flags = content(b'{"a": {"enabled": true}}', content_type="binary/octet-stream")
    definition = render(
        flags, spec(content_type="application/json", feature_flags=FeatureFlags(output=FlagOutput.FLAGD))
    )
    assert "flagd.dev" in next(iter(definition.text.values()))


@pytest.mark.parametrize("opaque", OPAQUE)
def test_content_of_no_known_type_is_refused_with_the_way_out(opaque: str) -> None:
    words = refused(Reason.UNSUPPORTED_CONTENT, written, b"geheim", Format.JSON, opaque)
    assert f"({opaque or 'none'})" in words
    assert "set spec.contentType, for example to application/json" in words


def test_the_default_key_of_a_conversion_follows_the_format() -> None:
    keys = {
        kind: list(written(b'{"a":"b"}', kind).text)
        for kind in (Format.RAW, Format.JSON, Format.YAML, Format.PROPERTIES, Format.DOTENV)
    }
    assert [key for (key,) in keys.values()] == [
        "config.json",
        "config.json",
        "config.yaml",
        "config.properties",
        "config.env",
    ]


def test_a_part_in_the_format_raw_stays_in_its_language() -> None:
    wanted = spec(select="/a", target=target(key=None))
    assert render(content(b'{"a": {"b": 1.10}}'), wanted).text == {"config.json": '{\n  "b": 1.10\n}\n'}
    part = render(content(b"a: {b: 1.10}", content_type="text/yaml"), wanted)
    assert part.text == {"config.yaml": "b: 1.10\n"}
    scalar = render(content(b"a: yes", content_type="text/yaml"), wanted)
    assert scalar.text == {"config.yaml": '"yes"\n'}


@pytest.mark.proves("spec.target.separator")
def test_the_separator() -> None:
    assert list(written(b'{"a":{"b":1}}', Format.ENTRIES, separator="-").text) == ["a-b"]
    assert list(written(b'{"a":{"b":1}}', Format.ENTRIES).text) == ["a.b"]
    assert list(written(b'{"a":{"b":1}}', Format.ENV_VARS).text) == ["A_B"]
    assert written(b'{"a":{"b":1}}', Format.DOTENV, separator="__").text == {"config.env": "A__B=1\n"}
    assert written(b'{"a":{"b":1}}', Format.PROPERTIES).text == {"config.properties": "a.b=1\n"}


@pytest.mark.parametrize("kind", [Format.ENTRIES, Format.ENV_VARS])
def test_the_values_of_all_keys_count_together(kind: Format) -> None:
    part = "é" * (LIMIT_BYTES // 32)
    full = {f"a{number}": part for number in range(16)}
    assert written(json.dumps(full).encode(), kind).keys == 16
    words = refused(Reason.TOO_LARGE, written, json.dumps(full | {"b": "x"}).encode(), kind)
    assert "1,048,577 bytes when written, and a ConfigMap holds at most 1,048,576" in words


@pytest.mark.parametrize(
    ("kind", "output"),
    [(kind, FlagOutput.APP_CONFIG) for kind in Format if kind is not Format.RAW]
    + [(kind, FlagOutput.FLAGD) for kind in (Format.RAW, Format.JSON, Format.YAML)],
)
def test_the_same_content_gives_the_same_data(kind: Format, output: FlagOutput) -> None:
    wanted = spec(target=target(format=kind, key=None), feature_flags=FeatureFlags(MultiVariant.REFUSE, output))
    first = render(content(b'{"b": {"enabled": true, "x": 1}, "a": {"enabled": false}}'), wanted)
    again = render(content(b'{"a":{"enabled":false},\n"b":{"x":1,"enabled":true}}'), replace(wanted, suspend=True))
    assert list(first.text.items()) == list(again.text.items())
    assert first.data_digest == again.data_digest
