"""The file that kubectl and the Kubernetes clients read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.kube.keys import write_private

if TYPE_CHECKING:
    from pathlib import Path


def write_kubeconfig(path: Path, url: str, ca_file: Path, token: str) -> Path:
    """Write a kubeconfig for one user.

    Parameters
    ----------
    path
        The file. Only its owner can read it.
    url
        The URL of the API server.
    ca_file
        The certificates to trust.
    token
        The token of the user.

    Returns
    -------
    pathlib.Path
        The file.
    """
    name = "sandbox"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
        "users": [{"name": path.stem, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": path.stem, "namespace": "default"}}],
        "current-context": name,
    }
    # JSON is also YAML.
    return write_private(path, json.dumps(content, indent=2) + "\n")
