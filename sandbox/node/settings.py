"""The configuration files of containerd, of the container network and of the kubelet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.node.claim import Claim
    from sandbox.node.packages import Programs

BRIDGE = "pods"
PAUSE_IMAGE = "localhost/pause:1"

_FIRST_POD, _LAST_POD = 10, 250


@dataclass(frozen=True)
class Folders:
    """The folders of a node."""

    root: Path

    @property
    def control_plane(self) -> Path:
        """The files of the control plane."""
        return self.root / "control-plane"

    @property
    def network(self) -> Path:
        """The configuration of the container network."""
        return self.root / "network"

    @property
    def socket(self) -> Path:
        """The socket of containerd."""
        return self.root / "containerd.sock"

    @property
    def containerd(self) -> Path:
        """The configuration of containerd."""
        return self.root / "containerd.toml"

    @property
    def kubelet(self) -> Path:
        """The configuration of the kubelet."""
        return self.root / "kubelet.json"


def containerd(folders: Folders, programs: Programs) -> str:
    """Return the configuration of containerd, in version 2, which containerd 1.6 and newer read.

    Parameters
    ----------
    folders
        The folders of the node.
    programs
        The programs that it starts.

    Returns
    -------
    str
        The content of its file.
    """
    runtime = "plugins.'io.containerd.grpc.v1.cri'"
    return f"""version = 2
root = '{folders.root / "images"}'
state = '{folders.root / "containers"}'
# It would make /opt/containerd, outside of our folder.
disabled_plugins = ['io.containerd.internal.v1.opt']
[grpc]
  address = '{folders.socket}'
[{runtime}]
  sandbox_image = '{PAUSE_IMAGE}'
  # Without CAP_SYS_RESOURCE, as root in a container has it, runc cannot lower the score, and no Pod starts.
  restrict_oom_score_adj = true
  # It would load a profile into the kernel of this machine, where it stays.
  disable_apparmor = true
  [{runtime}.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [{runtime}.containerd.runtimes.runc.options]
      BinaryName = '{programs.runc}'
  [{runtime}.cni]
    bin_dir = '{programs.network}'
    conf_dir = '{folders.network}'
"""


def network(claim: Claim) -> str:
    """Return the configuration of the container network: Pods on the bridge of the servers.

    Parameters
    ----------
    claim
        The claim with the subnet.

    Returns
    -------
    str
        The content of its file, a list of plug-ins.
    """
    addresses = {
        "type": "host-local",
        # In the node's own /run.
        "dataDir": "/run/addresses",
        "ranges": [
            [
                {
                    "subnet": str(claim.subnet),
                    "rangeStart": str(claim.subnet[_FIRST_POD]),
                    "rangeEnd": str(claim.subnet[_LAST_POD]),
                    "gateway": claim.address,
                }
            ]
        ],
        # Through the bridge's address to the Service "kubernetes", which is another address of the bridge.
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": False, "ipMasq": False, "ipam": addresses}
    return json.dumps({"cniVersion": "1.0.0", "name": BRIDGE, "plugins": [bridge]}, indent=2)


def kubelet(folders: Folders, claim: Claim, api_server: Path, sync_seconds: float | None) -> str:
    """Return the configuration of the kubelet.

    Parameters
    ----------
    folders
        The folders of the node.
    claim
        The claim with the address and the cgroups.
    api_server
        The certificate by which it recognizes the API server.
    sync_seconds
        How often it syncs each Pod, and so how soon a changed ConfigMap is in the Pod's files. None: the
        kubelet's default.

    Returns
    -------
    str
        The content of its file.
    """
    configuration: dict[str, object] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": claim.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(api_server)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{folders.socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{claim.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": False,
        # The node has only one Service, which does not need this.
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(folders.root / "logs"),
        "volumePluginDir": str(folders.root / "volume-plugins"),
        "resolvConf": "",
        # The disk is that of this machine: do not evict Pods or delete images because it is full.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "1Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
    }
    if sync_seconds is not None:
        configuration["syncFrequency"] = f"{sync_seconds:g}s"
    return json.dumps(configuration, indent=2)
