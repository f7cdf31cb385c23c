"""A node starts on machines that are set up otherwise."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from sandbox import MiniStack
from sandbox.kubectl import Kubectl
from sandbox.node import Cluster
from sandbox.node.pods import restricted_pod

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# Nothing listens there.
DEAD_PROXY = "http://127.0.0.1:9"


def test_proxy_is_not_asked_and_the_temporary_folder_may_be_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, DEAD_PROXY)
        monkeypatch.setenv(name.lower(), DEAD_PROXY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "localhost,127.0.0.1")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "link"))

    with Cluster() as cluster, MiniStack(host=cluster.host):
        kubectl = Kubectl(cluster.kubeconfig)
        # The controllers make the ServiceAccount, the scheduler places the Pod, and the kubelet starts it.
        kubectl("create", "namespace", "elsewhere")
        kubectl("wait", "--for=create", "serviceaccount/default", "-n", "elsewhere", "--timeout=30s")
        kubectl("apply", "-n", "elsewhere", "-f", "-", stdin=restricted_pod("a"))
        kubectl("wait", "-n", "elsewhere", "--for=condition=Ready", "pod/a", "--timeout=30s")
        assert kubectl("exec", "-n", "elsewhere", "a", "--", "echo", "hello") == "hello\n"
