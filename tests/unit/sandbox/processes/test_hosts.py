"""Where programs run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.processes.hosts import LOCAL, Host

if TYPE_CHECKING:
    import pytest


def test_commands_run_where_the_host_is() -> None:
    assert Host("10.198.0.1", ("nsenter", "--")).command([Path("/bin/true"), "x"]) == [
        "nsenter",
        "--",
        "/bin/true",
        "x",
    ]
    assert LOCAL.command(["true"]) == ["true"]


def test_no_proxy_is_between_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "localhost")
    environment = Host("10.198.0.1").environment()
    # Programs differ in which of the two they look at first.
    assert (environment["NO_PROXY"], environment["no_proxy"]) == ("*", "*")
    assert environment["PATH"] == os.environ["PATH"]
