"""Every format from a deployment to the ConfigMap, and what cannot be written."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.data_plane import ion
from tests.e2e.support.scene import Scene, condition

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT = b'{"b": {"host": "can4rybird", "port": 5432, "ratio": 1.10}, "list": [{"a": null}, "x"], "on": true}'
FLAGS: dict[str, Any] = {
    "new_checkout": {
        "_variants": [
            {"name": "no", "enabled": True, "rule": '(eq $country "no")', "attributeValues": {"text": "can4rybird"}},
            {"name": "default", "enabled": False},
        ]
    },
    "banner": {"enabled": True, "text": "can4rybird"},
}
CONTROL = b"can4rybird" + b"\x01" * 1_000_000

WRITTEN: Mapping[str, dict[str, str]] = {
    "Raw": {"config.json": DOCUMENT.decode()},
    "JSON": {
        "config.json": '{\n  "b": {\n    "host": "can4rybird",\n    "port": 5432,\n    "ratio": 1.10\n  },\n'
        '  "list": [\n    {\n      "a": null\n    },\n    "x"\n  ],\n  "on": true\n}\n'
    },
    "YAML": {
        "config.yaml": 'b:\n  host: "can4rybird"\n  port: 5432\n  ratio: 1.10\n'
        'list:\n  -\n    a: null\n  - "x"\n"on": true\n'
    },
    "Properties": {
        "config.properties": "b.host=can4rybird\nb.port=5432\nb.ratio=1.10\nlist[0].a=\nlist[1]=x\non=true\n",
    },
    "Dotenv": {"config.env": "B_HOST=can4rybird\nB_PORT=5432\nB_RATIO=1.10\nLIST_0_A=\nLIST_1=x\nON=true\n"},
    "Entries": {
        "b.host": "can4rybird",
        "b.port": "5432",
        "b.ratio": "1.10",
        "list.0.a": "",
        "list.1": "x",
        "on": "true",
    },
    "EnvVars": {
        "B_HOST": "can4rybird",
        "B_PORT": "5432",
        "B_RATIO": "1.10",
        "LIST_0_A": "",
        "LIST_1": "x",
        "ON": "true",
    },
}


@pytest.fixture
def scene(served_scene: Scene) -> Scene:
    return served_scene


def stalled(scene: Scene, name: str, reason: str, words: str, **wait: int) -> None:
    """Wait until a source says what is wrong with its document."""
    source = scene.wait_for(name, reason, **wait)
    ready = condition(source, "Ready")
    assert ready is not None
    assert words in ready["message"]
    assert condition(source, "Stalled") is not None


@pytest.mark.proves("spec.target.format")
def test_every_format_arrives(scene: Scene) -> None:
    scene.deploy(DOCUMENT)
    for name in WRITTEN:
        scene.apply(name.lower(), target={"format": name})
    for name, data in WRITTEN.items():
        source = scene.wait_for(name.lower(), "Synced")
        assert scene.config_map(name.lower())["data"] == data, name
        assert source["status"]["target"]["keys"] == len(data)


def test_env_vars_obey_the_rules_of_env_from(scene: Scene) -> None:
    """Each key is a name that every version of Kubernetes takes: none is left out of the environment of a Pod."""
    scene.deploy('{"url-path": "can4rybird", "größe": "b", "nested": {"x.y": "c"}}'.encode())
    scene.apply("env", target={"format": "EnvVars", "separator": "__"})
    scene.wait_for("env", "Synced")
    data = scene.config_map("env")["data"]
    assert data == {"URL_PATH": "can4rybird", "GR__E": "b", "NESTED__X_Y": "c"}
    assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", key) for key in data)


@pytest.mark.proves("spec.select")
def test_a_part_is_selected(scene: Scene) -> None:
    scene.deploy(DOCUMENT)
    scene.apply("part", select="/b", target={"format": "Entries"})
    scene.wait_for("part", "Synced")
    assert scene.config_map("part")["data"] == {"host": "can4rybird", "port": "5432", "ratio": "1.10"}
    scene.change("part", select="/nowhere")
    stalled(scene, "part", "InvalidContent", "/nowhere", generation=2)
    assert scene.config_map("part")["data"] == {"host": "can4rybird", "port": "5432", "ratio": "1.10"}


@pytest.mark.proves("InvalidContent")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"can4rybird": ', "line 1"),
        (b'{"a": {"b": "can4rybird"}, "a.b": "can4rybird"}', "a.b"),
        (b'{"a": NaN, "b": "can4rybird"}', "NaN"),
        (b'{"a b": "can4rybird"}', "/a b"),
    ],
    ids=["syntax", "collision", "no number", "key"],
)
def test_a_bad_document_leaves_the_config_map(scene: Scene, content: bytes, words: str) -> None:
    scene.deploy(b'{"good": "can4rybird yes"}')
    scene.apply("one", target={"format": "Entries"})
    scene.wait_for("one", "Synced")
    before = scene.config_map("one")
    scene.deploy(content)
    stalled(scene, "one", "InvalidContent", words)
    assert scene.config_map("one") == before
    assert "can4rybird" not in json.dumps([scene.source("one")["status"], scene.raw_events()])
    scene.deploy(b'{"fixed": "can4rybird yes"}')
    scene.wait_for_content("one", {"fixed": "can4rybird yes"})


@pytest.mark.proves("UnsupportedContent")
def test_a_format_that_cannot_be_made_is_told(scene: Scene) -> None:
    scene.deploy(b"can4rybird", content_type="text/plain")
    scene.apply("one", target={"format": "Entries"})
    stalled(scene, "one", "UnsupportedContent", "text/plain")
    assert not scene.has_config_map("one")
    scene.change("one", target={"format": "Raw"})
    scene.wait_for("one", "Synced", generation=2)


@pytest.mark.proves("spec.contentType")
def test_a_content_type_of_the_spec_makes_a_document_of_opaque_bytes(scene: Scene) -> None:
    """As Parameter Store, Secrets Manager and CodePipeline deliver JSON."""
    scene.deploy(DOCUMENT, content_type="application/octet-stream")
    scene.apply("one", target={"format": "EnvVars"})
    stalled(scene, "one", "UnsupportedContent", "set spec.contentType, for example to application/json")
    scene.change("one", contentType="application/json")
    source = scene.wait_for("one", "Synced", generation=2)
    assert scene.config_map("one")["data"] == WRITTEN["EnvVars"]
    assert source["status"]["source"]["contentType"] == "application/octet-stream"
    scene.change("one", contentType="application/json", target={"format": "Raw"})
    scene.wait_for("one", "Synced", generation=3)
    assert scene.config_map("one")["data"] == WRITTEN["Raw"]


@pytest.mark.proves("spec.target.prefix")
def test_a_name_of_the_process_is_refused_and_a_prefix_is_the_way_out(scene: Scene) -> None:
    scene.deploy(b'{"path": "can4rybird", "labels": {}}')
    scene.apply("one", target={"format": "EnvVars"})
    stalled(scene, "one", "InvalidContent", 'the environment variable "PATH"')
    assert not scene.has_config_map("one")
    scene.change("one", target={"format": "EnvVars", "prefix": "APP_"})
    scene.wait_for("one", "Synced", generation=2)
    assert scene.config_map("one")["data"] == {"APP_PATH": "can4rybird"}


@pytest.mark.proves("spec.target.envVarCase")
def test_names_keep_their_case_for_dotnet(scene: Scene) -> None:
    scene.deploy(b'{"Logging": {"LogLevel": {"Shop.Checkout": "can4rybird"}}}')
    scene.apply("one", target={"format": "EnvVars", "separator": "__", "envVarCase": "Preserve"})
    scene.wait_for("one", "Synced")
    assert scene.config_map("one")["data"] == {"Logging__LogLevel__Shop.Checkout": "can4rybird"}


def test_a_changed_format_takes_the_place_of_the_old_one(scene: Scene) -> None:
    scene.deploy(DOCUMENT)
    scene.apply("one", target={"format": "JSON"})
    scene.wait_for("one", "Synced")
    scene.change("one", target={"format": "EnvVars"})
    scene.wait_for("one", "Synced", generation=2)
    assert scene.config_map("one")["data"] == WRITTEN["EnvVars"]


@pytest.mark.proves("spec.featureFlags", "spec.featureFlags.multiVariant")
def test_multi_variant_flags_are_refused_converted_or_raw(scene: Scene) -> None:
    scene.deploy_flags(FLAGS)
    scene.apply("refused", featureFlags={"multiVariant": "Refuse"})
    scene.apply("default", featureFlags={"multiVariant": "DefaultVariant"}, target={"format": "JSON"})
    scene.apply("raw", featureFlags={"multiVariant": "Raw"})
    scene.apply("flagd", featureFlags={"multiVariant": "DefaultVariant", "output": "Flagd"})
    stalled(scene, "refused", "UnsupportedContent", "new_checkout")
    scene.wait_for_all(["default", "raw", "flagd"], "Synced")
    assert json.loads(scene.config_map("default")["data"]["config.json"]) == {
        "banner": {"enabled": True, "text": "can4rybird"},
        "new_checkout": {"enabled": False},
    }
    assert b64decode(scene.config_map("raw")["binaryData"]["config.ion"]) == ion.encode(FLAGS)
    definition: dict[str, Any] = json.loads(scene.config_map("flagd")["data"]["config.json"])
    assert definition["flags"]["new_checkout"]["defaultVariant"] == "off"
    assert definition["flags"]["banner"]["defaultVariant"] == "on"


@pytest.mark.proves("spec.target.compression")
def test_a_compressed_document_passes_the_limit(scene: Scene) -> None:
    """2,048 KB is what AppConfig takes; a ConfigMap holds half of it."""
    document = json.dumps({f"key-{number}": "can4rybird" * 100 for number in range(2000)}).encode()
    assert len(document) > 2_000_000
    scene.deploy(document)
    scene.apply("one")
    stalled(scene, "one", "TooLarge", "Gzip")
    scene.change("one", target={"compression": "Gzip"})
    scene.wait_for("one", "Synced", generation=2)
    binary = scene.config_map("one")["binaryData"]
    assert gzip.decompress(b64decode(binary["config.json.gz"])) == document


def test_text_of_control_characters_is_written_as_bytes(scene: Scene) -> None:
    """As text, each would be six characters of JSON, and the API server takes 3 MiB."""
    scene.deploy(CONTROL, content_type="text/plain")
    scene.apply("one")
    scene.wait_for("one", "Synced")
    assert b64decode(scene.config_map("one")["binaryData"]["config.txt"]) == CONTROL
