"""A node starts on machines that are set up otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import MiniStack
from sandbox.kube.kubectl import Kubectl
from sandbox.node import Cluster
from sandbox.node.pods import restricted_pod

if TYPE_CHECKING:
    from collections.abc import Iterator

# Nothing listens there.
DEAD_PROXY = "http://127.0.0.1:9"


@pytest.fixture
def link() -> Iterator[Path]:
    """A symbolic link to a folder. Both paths are short: those of sockets have to be."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a").mkdir()
        (folder / "link").symlink_to("a")
        yield folder / "link"


def test_proxy_is_not_asked_and_the_temporary_folder_may_be_a_link(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, DEAD_PROXY)
        monkeypatch.setenv(name.lower(), DEAD_PROXY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "localhost,127.0.0.1")
    monkeypatch.setattr(tempfile, "tempdir", str(link))

    with Cluster() as cluster, MiniStack(host=cluster.host):
        kubectl = Kubectl(cluster.kubeconfig)
        # The controllers make the ServiceAccount, the scheduler places the Pod, and the kubelet starts it.
        kubectl("create", "namespace", "elsewhere")
        kubectl("wait", "--for=create", "serviceaccount/default", "-n", "elsewhere", "--timeout=150s")
        kubectl("apply", "-n", "elsewhere", "-f", "-", stdin=restricted_pod("a"))
        kubectl("wait", "-n", "elsewhere", "--for=condition=Ready", "pod/a", "--timeout=150s")
        assert kubectl("exec", "-n", "elsewhere", "a", "--", "echo", "hello") == "hello\n"
