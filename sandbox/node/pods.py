"""Pods that Pod Security `restricted` admits, and that can use ConfigMaps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.node.images import BUSYBOX_IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_USER = 1000


def restricted_pod(
    name: str,
    command: Sequence[str] = ("sleep", "1000000"),
    *,
    image: str = BUSYBOX_IMAGE,
    mounts: Mapping[str, str] | None = None,
    variables_from: Sequence[str] = (),
) -> str:
    """Make a Pod with one container.

    Parameters
    ----------
    name
        The name of the Pod and its container.
    command
        The command to run. Default: one that does nothing, for `kubectl exec`.
    image
        An image that `Cluster.load_image` has loaded.
    mounts
        ConfigMaps, by the folders to mount them at.
    variables_from
        ConfigMaps with entries that become environment variables.

    Returns
    -------
    str
        The manifest, for `kubectl apply -f -`.
    """
    folders = list((mounts or {}).items())
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "command": list(command),
        "envFrom": [{"configMapRef": {"name": config_map}} for config_map in variables_from],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": f"mount-{number}", "mountPath": folder, "readOnly": True}
            for number, (folder, _) in enumerate(folders)
        ],
    }
    spec = {
        # busybox as process 1 ignores SIGTERM.
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": f"mount-{number}", "configMap": {"name": config_map}}
            for number, (_, config_map) in enumerate(folders)
        ],
    }
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
