"""Kubernetes operator that writes AWS AppConfig configuration into ConfigMaps."""
