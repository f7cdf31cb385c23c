"""A Kubernetes cluster with one node: a control plane with kubelet, containerd and scheduler, in its own namespaces."""

from sandbox.node.cluster import Cluster
from sandbox.node.images import BUSYBOX_IMAGE
from sandbox.node.packages import PackagesError, ensure_packages

__all__ = ["BUSYBOX_IMAGE", "Cluster", "PackagesError", "ensure_packages"]
