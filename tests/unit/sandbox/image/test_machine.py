"""How a build reaches the package index."""

from __future__ import annotations

import os
from configparser import RawConfigParser
from typing import TYPE_CHECKING

from sandbox.image.machine import CA_SECRET, pip_conf, secrets, settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LISTING = """\
:env:.default-timeout='180'
:env:.index-url='https://index.example/b'
:env:.find-links='/somewhere'
global.cert='/etc/ca.pem'
global.index-url='https://index.example/a'
global.trusted-host='a.example\\nb.example'
freeze.timeout='10'
"""


def test_settings_of_pip_and_which_of_them_win() -> None:
    assert settings(LISTING) == {
        "timeout": "180",
        "index-url": "https://index.example/b",
        "find-links": "/somewhere",
        "cert": "/etc/ca.pem",
        "trusted-host": "a.example\nb.example",
    }


def test_settings_for_the_build() -> None:
    read = RawConfigParser()
    read.read_string(pip_conf(settings(LISTING)))
    assert dict(read["global"]) == {
        "cert": CA_SECRET,
        "index-url": "https://index.example/b",
        "timeout": "180",
        "trusted-host": "a.example\nb.example",
    }


def test_settings_where_there_are_none() -> None:
    assert pip_conf(settings("")) == f"[global]\ncert = {CA_SECRET}\n"


def test_the_certificates_that_pip_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "own.pem"))
    assert secrets()[1] == tmp_path / "own.pem"


def test_certificates_of_pip_where_openssl_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_CERT", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    written, certificates = secrets()
    assert f"cert = {CA_SECRET}\n" in written
    assert "pip" in certificates.parts
    assert b"-----BEGIN CERTIFICATE-----" in certificates.read_bytes()
