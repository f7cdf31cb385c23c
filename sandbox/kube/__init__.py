"""A Kubernetes control plane on this machine, and its clients."""
