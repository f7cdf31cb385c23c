"""A Kubernetes cluster of one node: kubelet, containerd and scheduler beside the control plane, in own namespaces."""

from sandbox.node.cluster import Cluster
from sandbox.node.images import BUSYBOX_IMAGE
from sandbox.node.packages import PackagesError, ensure_packages

__all__ = ["BUSYBOX_IMAGE", "Cluster", "PackagesError", "ensure_packages"]
