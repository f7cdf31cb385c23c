"""A node is gone without a trace, however the process that ran it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import ProcessError, wait_until
from sandbox.node import Cluster
from sandbox.node.claim import claim
from sandbox.node.images import build_pause
from sandbox.node.namespaces import Namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import MiniStack

ROOT = Path(__file__).parents[2]

RUN_A_POD = """
import json, os, sys
from sandbox.kube.kubectl import Kubectl
from sandbox.node import Cluster
from sandbox.node.pods import restricted_pod

with Cluster() as cluster:
    kubectl = Kubectl(cluster.kubeconfig)
    kubectl("apply", "-f", "-", stdin=restricted_pod("a"))
    kubectl("wait", "--for=condition=Ready", "pod/a", "--timeout=150s")
    network = os.readlink(cluster.host.prefix[1].partition("=")[2])
    print(json.dumps({"name": cluster.claim.name, "link": cluster.claim.link, "network": network}), flush=True)
    sys.stdin.readline()
"""

# Where kubelet, containerd and the network plug-ins write if nothing keeps them from it.
FOLDERS = (
    "/etc/cni",
    "/opt/containerd",
    "/run/addresses",
    "/run/containerd",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
    "/usr/libexec/kubernetes",
)
SETTINGS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")


def interfaces() -> list[str]:
    """The network interfaces of this machine."""
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True).stdout)
    return [link["ifname"] for link in links]


@dataclass(frozen=True)
class Node:
    """By what the traces of one node are known."""

    name: str
    link: str
    network: str

    def processes(self) -> Iterator[str]:
        """All in its network, and all in its cgroups: the Pods."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    self.network == str((process / "ns/net").readlink())
                    or self.name in (process / "cgroup").read_text()
                ):
                    yield (process / "comm").read_text(encoding="utf-8").strip()
            except OSError:  # it has just ended
                continue

    def traces(self) -> dict[str, list[str]]:
        """What of it is on this machine, by kind."""
        found = {
            "processes": list(self.processes()),
            "interfaces": [name for name in interfaces() if name == self.link],
            "cgroups": [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{self.name}")],
            "folders": [str(path) for path in Path(tempfile.gettempdir()).glob(f"{self.name}-*")],
        }
        return {kind: traces for kind, traces in found.items() if traces}


def machine() -> dict[str, object]:
    """What a node must not touch."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    settings = {name: Path("/proc/sys", name).read_text(encoding="ascii") for name in SETTINGS}
    return {"mounts": mounts, "folders": [name for name in FOLDERS if Path(name).exists()], "settings": settings}


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    """Another process, which runs a node with a Pod."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_A_POD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_end_leaves_nothing(running: subprocess.Popen[str]) -> None:
    before = machine()
    node = Node(**json.loads(read_line(running)))
    assert {"kubelet", "containerd", "etcd", "sleep"} <= set(node.processes())
    assert set(node.traces()) == {"processes", "interfaces", "cgroups", "folders"}
    assert machine() == before

    running.communicate("\n", timeout=30)
    assert running.returncode == 0
    assert node.traces() == {}
    assert machine() == before


def test_interface_is_gone_when_the_namespaces_have_ended(tmp_path: Path) -> None:
    pause = build_pause(tmp_path)
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        with claim() as taken:
            with Namespaces(taken, folder, pause):
                assert taken.link in interfaces()
            assert taken.link not in interfaces(), f"end {number}"


def test_servers_keep_their_files_in_the_folder_of_the_node(cluster: Cluster, ministack: MiniStack) -> None:
    assert cluster.folder in ministack.folder.parents


def test_kill_leaves_nothing_that_runs_and_the_next_start_removes_the_rest(running: subprocess.Popen[str]) -> None:
    before = machine()
    node = Node(**json.loads(read_line(running)))
    assert set(node.traces()) == {"processes", "interfaces", "cgroups", "folders"}

    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: set(node.traces()) == {"cgroups", "folders"}, 20, "only files left")
    with claim():
        assert node.traces() == {}
    assert machine() == before


def test_failed_start_leaves_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    before = machine()
    cluster = Cluster(sync_seconds=float("nan"))
    with pytest.raises(ProcessError, match=r"kubelet ended .* with exit code 1"), cluster:
        pass
    assert Node(cluster.claim.name, cluster.claim.link, "none").traces() == {}
    assert machine() == before
    assert capfd.readouterr() == ("", "")
