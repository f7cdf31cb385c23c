"""Text from outside: shown without what rules a terminal, kept within what the CRD takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from appconfig_operator.api import text as module
from appconfig_operator.api.text import bounded, label, request_mark, visible
from appconfig_operator.api.v1alpha1 import REQUESTED_AT, Source
from tests.support.builders import UID

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("text", ["", "checkout", "Größe «ä» 日本 😀"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\x00b\x07\x7f\x9b", r"a\x00b\x07\x7f\x9b"),
        ("line\r\nline\u2028", r"line\r\nline\u2028"),
        ("\u202eevil\u2066\u200f", r"\u202eevil\u2066\u200f"),
        ("\ud800", r"\ud800"),
    ],
    ids=["escape", "control", "line ends", "bidirectional", "half of a pair"],
)
def test_what_cannot_be_seen_is_escaped(text: str, seen: str) -> None:
    assert visible(text) == seen
    assert visible(text).isprintable()


def test_bounds() -> None:
    assert bounded("abc", 3) == "abc"
    assert bounded("abcd", 3) == "ab…"
    assert len(label("\x1b" * 5000)) == module.LONGEST_LABEL


def limits() -> dict[str, int]:
    definition = yaml.safe_load((ROOT / "crds" / "appconfigsources.yaml").read_text(encoding="utf-8"))
    status = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    return {
        "request": status["lastHandledReconcileAt"]["maxLength"],
        "label": status["source"]["properties"]["versionLabel"]["maxLength"],
        "written": status["target"]["properties"]["versionLabel"]["maxLength"],
        "type": status["source"]["properties"]["contentType"]["maxLength"],
        "kept": status["history"]["items"]["properties"]["versionLabel"]["maxLength"],
    }


def test_the_bounds_are_those_of_the_crd() -> None:
    found = limits()
    assert found.pop("request") == module.LONGEST_REQUEST
    assert set(found.values()) == {module.LONGEST_LABEL}


def requested(text: str) -> Source:
    body: dict[str, Any] = {
        "metadata": {
            "namespace": "shop",
            "name": "checkout",
            "uid": UID,
            "generation": 1,
            "resourceVersion": "1",
            "annotations": {REQUESTED_AT: text},
        },
        "spec": {
            "application": "shop",
            "environment": "production",
            "configurationProfile": "checkout",
            "pollIntervalSeconds": 60,
            "suspend": False,
            "target": {"format": "Raw", "creationPolicy": "Owner"},
        },
    }
    return Source.from_dict(body)


def test_a_request_that_the_status_cannot_hold_is_handled_once_all_the_same() -> None:
    assert requested("2026-01-01").requested_at == "2026-01-01"
    assert requested("é" * 4096).requested_at == "é" * 4096
    long = requested("é" * 4097).requested_at
    assert re.fullmatch("sha256:[0-9a-f]{64}", long)
    assert long == requested("é" * 4097).requested_at != requested("é" * 4098).requested_at
    assert len(request_mark("\ud800" * 5000)) == 71
