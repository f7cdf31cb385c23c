"""Verb and resource of calls."""

from __future__ import annotations

import pytest

from appconfig_operator.kube.requests import OTHER, RESOURCES, described

SOURCES = "/apis/appconfig-operator.io/v1alpha1"


@pytest.mark.parametrize(
    ("method", "path", "verb", "resource"),
    [
        ("GET", "/api/v1/configmaps", "list", "configmaps"),
        ("GET", "/api/v1/namespaces/shop/configmaps", "list", "configmaps"),
        ("GET", "/api/v1/namespaces/shop/configmaps/checkout", "get", "configmaps"),
        ("POST", "/api/v1/namespaces/shop/configmaps", "create", "configmaps"),
        ("PUT", "/api/v1/namespaces/shop/configmaps/checkout", "update", "configmaps"),
        ("PATCH", "/api/v1/namespaces/shop/configmaps/checkout", "patch", "configmaps"),
        ("DELETE", "/api/v1/namespaces/shop/configmaps/checkout", "delete", "configmaps"),
        ("GET", "/api/v1/namespaces/configmaps/configmaps/configmaps", "get", "configmaps"),
        ("GET", f"{SOURCES}/appconfigsources", "list", "appconfigsources"),
        ("PATCH", f"{SOURCES}/namespaces/shop/appconfigsources/a/status", "patch", "appconfigsources/status"),
        ("GET", "/apis/apps/v1/namespaces/shop/controllerrevisions/a-1", "get", "controllerrevisions"),
        ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events", "create", "events"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/shop/leases/a", "update", "leases"),
        ("POST", "/api/v1/namespaces/shop/serviceaccounts/a/token", "create", "serviceaccounts/token"),
        ("GET", "/api/v1/namespaces/shop/serviceaccounts/a", "get", "serviceaccounts"),
        ("GET", "/api/v1/namespaces/shop/secrets/a", "get", "secrets"),
        ("GET", SOURCES, "list", OTHER),
        ("GET", "/api/v1/namespaces/shop", "get", OTHER),
        ("GET", "/version", "list", OTHER),
        ("GET", "/", "list", OTHER),
        ("GET", "/api/v1/namespaces/shop/pods/a/log", "get", OTHER),
        ("BREW", "/api/v1/namespaces/shop/configmaps/a", OTHER, "configmaps"),
    ],
)
def test_described(method: str, path: str, verb: str, resource: str) -> None:
    assert described(method, path) == (verb, resource)
    assert resource in RESOURCES | {OTHER}


def test_a_watch() -> None:
    assert described("GET", "/api/v1/configmaps", watch=True) == ("watch", "configmaps")
