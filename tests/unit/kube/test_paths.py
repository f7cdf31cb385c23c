from __future__ import annotations

import pytest

from appconfig_operator.kube.paths import resource_path


@pytest.mark.parametrize(
    ("resource", "namespace", "names", "path"),
    [
        ("configmaps", "shop", (), "/api/v1/namespaces/shop/configmaps"),
        ("configmaps", "", (), "/api/v1/configmaps"),
        ("configmaps", "shop", ("checkout",), "/api/v1/namespaces/shop/configmaps/checkout"),
        ("serviceaccounts", "shop", ("a", "token"), "/api/v1/namespaces/shop/serviceaccounts/a/token"),
        ("leases", "", (), "/apis/coordination.k8s.io/v1/leases"),
        (
            "appconfigsources",
            "shop",
            ("checkout", "status"),
            "/apis/appconfig-operator.io/v1alpha1/namespaces/shop/appconfigsources/checkout/status",
        ),
    ],
)
def test_each_resource_is_where_the_api_has_it(
    resource: str, namespace: str, names: tuple[str, ...], path: str
) -> None:
    assert resource_path(resource, namespace, *names) == path
