"""A Kubernetes cluster with one node, real and disposable."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.kube.command_lines import Files
from sandbox.kube.control_plane import ControlPlane
from sandbox.kube.rest import Rest
from sandbox.node import cgroups, images, settings
from sandbox.node.claim import claim
from sandbox.node.namespaces import Namespaces
from sandbox.node.packages import ensure_packages
from sandbox.node.settings import Folders
from sandbox.processes.process import Process, ProcessError
from sandbox.processes.started import Started
from sandbox.processes.stopwatch import Stopwatch
from sandbox.processes.waiting import wait_until
from sandbox.toolchain.provision import program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from sandbox.node.claim import Claim
    from sandbox.processes.hosts import Host

NODE = "node"

_SCHEDULER = "system:kube-scheduler"
_KUBELET = f"system:node:{NODE}"
_COMPONENTS = {_SCHEDULER: "", _KUBELET: "system:nodes"}

_SCHEDULER_PORT = 10259
_FAST = 1.0
_READY_TIMEOUT = 60.0
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class Cluster(Started):
    """A control plane and a node as a context manager: inside, the node is ready for Pods; afterwards, it is gone.

    It needs root and some packages (see `sandbox.node.packages`). Everything runs in separate namespaces, which share
    an address with this machine and the Pods: `address`. There is no kube-proxy and no DNS: the only Service that
    Pods can reach is ``kubernetes``, and they cannot leave the namespaces.

    Parameters
    ----------
    sync_seconds
        How often the kubelet syncs each Pod, and so how soon a changed ConfigMap is in the Pod's files.
        None: the kubelet's own default, a minute.
    """

    def __init__(self, *, sync_seconds: float | None = _FAST) -> None:
        self._sync_seconds = sync_seconds
        self._stopwatch = Stopwatch()

    @property
    def seconds(self) -> dict[str, float]:
        """How long each stage of its start took."""
        return dict(self._stopwatch.seconds)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.control_plane.kubeconfig

    @property
    def address(self) -> str:
        """The address at which Pods, servers in the namespaces and this machine reach the servers in the namespaces."""
        return self.host.address

    @property
    def host(self) -> Host:
        """The host for servers that Pods use: ``MiniStack(host=cluster.host)``."""
        return self._namespaces.host

    @property
    def processes(self) -> list[Process]:
        """Its programs, in the order of their start."""
        return [self.containerd, *self.control_plane.processes, self.scheduler, self.kubelet]

    def enter(self, command: Sequence[str | Path]) -> list[str]:
        """Return the command that runs another command in all of its namespaces."""
        return self._namespaces.enter(command)

    def load_image(self, archive: Path) -> None:
        """Load images into containerd.

        Parameters
        ----------
        archive
            An OCI or Docker archive. The images have names.

        Raises
        ------
        sandbox.processes.process.ProcessError
            If it could not be read.
        """
        done = self._ctr("--namespace=k8s.io", "images", "import", str(archive))
        if done.returncode != 0:
            message = f"images of {archive}: {done.stderr.strip()}"
            raise ProcessError(message)

    def kill_container(self, container_id: str) -> None:
        """Kill a container, as the kernel does when memory runs out. The kubelet restarts it.

        Parameters
        ----------
        container_id
            The ID in the status of its Pod: ``containerd://…``.
        """
        task = container_id.removeprefix("containerd://")
        done = self._ctr("--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", task)
        if done.returncode != 0:
            message = f"container {container_id}: {done.stderr.strip()}"
            raise ProcessError(message)

    def _start(self, stack: ExitStack) -> None:
        self._programs = ensure_packages()
        self.claim = taken = stack.enter_context(claim())
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{taken.name}-"))
        # The kernel and the programs use the resolved path of the folder.
        self.folder = Path(temporary).resolve()
        stack.callback(cgroups.remove, taken.name)
        cgroups.create(taken.name)
        stage = self._stopwatch.stage
        with stage("namespaces"):
            pause = images.build_pause(self.folder)
            self._namespaces = stack.enter_context(Namespaces(taken, self.folder, pause))
        self._write_settings(taken)
        # It starts in parallel with the control plane.
        self.containerd = stack.enter_context(self._containerd())
        self.control_plane = ControlPlane(self._folders.control_plane, host=self.host, components=_COMPONENTS)
        stack.enter_context(self.control_plane)
        self._stopwatch.seconds.update(self.control_plane.stopwatch.seconds)
        with stage("images imported"):
            wait_until(self._containerd_ready, _READY_TIMEOUT, "containerd ready")
            self.load_image(images.pause_image(pause, self.folder))
            self.load_image(images.busybox_image(self._programs.busybox, self.folder))
        with stage("node ready"):
            self.scheduler = stack.enter_context(self._scheduler())
            self.kubelet = stack.enter_context(self._kubelet())
        # What takes long to stop starts to stop before the control plane.
        stack.callback(self._namespaces.kill)

    def _write_settings(self, taken: Claim) -> None:
        self._folders = folders = Folders(self.folder)
        for folder in (folders.control_plane, folders.network):
            folder.mkdir()
        (folders.network / "pods.conflist").write_text(settings.network(taken), encoding="utf-8")
        folders.containerd.write_text(settings.containerd(folders, self._programs), encoding="utf-8")
        api_server = Files(folders.control_plane).kubelet_client
        folders.kubelet.write_text(settings.kubelet(folders, taken, api_server, self._sync_seconds), encoding="utf-8")

    def _containerd(self) -> Process:
        command: list[str | Path] = [self._programs.containerd / "containerd", "--config", self._folders.containerd]
        return Process("containerd", self.enter(command), self.folder, environment=self._environment())

    def _environment(self) -> dict[str, str]:
        # containerd looks for its shim there.
        return {"PATH": os.pathsep.join([str(self._programs.containerd), *_SYSTEM_PATH])}

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [self._programs.containerd / "ctr", "--address", self._folders.socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _containerd_ready(self) -> bool:
        self.containerd.check()
        return self._ctr("version").returncode == 0

    def _scheduler(self) -> Process:
        health = Rest(f"https://{self.address}:{_SCHEDULER_PORT}", ca_file=None)
        command: list[str | Path] = [
            program("kube-scheduler"),
            f"--kubeconfig={self.control_plane.kubeconfigs[_SCHEDULER]}",
            f"--bind-address={self.address}",
            f"--secure-port={_SCHEDULER_PORT}",
            "--leader-elect=false",
            "--profiling=false",
        ]
        return Process(
            "kube-scheduler",
            self.host.command(command),
            self.folder,
            environment=self.host.environment(),
            ready=lambda: health.request("GET", "/healthz") == "ok",
        )

    def _kubelet(self) -> Process:
        command: list[str | Path] = [
            program("kubelet"),
            f"--config={self._folders.kubelet}",
            f"--kubeconfig={self.control_plane.kubeconfigs[_KUBELET]}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet-certificates'}",
            f"--hostname-override={NODE}",
            f"--node-ip={self.address}",
        ]
        return Process(
            "kubelet", self.enter(command), self.folder, environment=self._environment(), ready=self._node_ready
        )

    def _node_ready(self) -> bool:
        node = self.control_plane.admin.json("GET", f"/api/v1/nodes/{NODE}")
        return any(
            condition["type"] == "Ready" and condition["status"] == "True" for condition in node["status"]["conditions"]
        )
