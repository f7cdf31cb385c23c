"""Pods as Pod Security `restricted` admits them, and that may use ConfigMaps."""

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
    """Make a Pod of one container.

    Parameters
    ----------
    name
        Of the Pod and of its container.
    command
        What it runs. Default: nothing, for `kubectl exec`.
    image
        That `Cluster.load_image` has loaded.
    mounts
        ConfigMaps by the folder that they are mounted to.
    variables_from
        ConfigMaps whose entries are its environment variables.

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
        # busybox as process 1 takes no notice of SIGTERM.
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
