"""The Kubernetes API by the official client: ConfigMaps, status, Events."""
