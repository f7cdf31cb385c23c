"""A Kubernetes control plane on this machine, and those who use it."""
