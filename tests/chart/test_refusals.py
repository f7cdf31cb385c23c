"""Values that are wrong, and what the user sees."""

from __future__ import annotations

import pytest

from tests.chart.rendering import refusal

RULE = {"namespaces": ["shop"], "applications": ["shop"]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replicas": 2}, "additional properties 'replicas' not allowed"),
        ({"image": {"name": "x"}}, "at '/image': additional properties 'name' not allowed"),
        ({"image": "appconfig-operator:0.1.0"}, "at '/image': got string, want object"),
        ({"image": {"tag": 0.1}}, "at '/image/tag': got number, want string"),
        ({"image": {"repository": ""}}, "at '/image/repository': minLength: got 0, want 1"),
        ({"image": {"digest": "0123"}}, "at '/image/digest': '0123' does not match pattern '^(sha256:"),
        ({"image": {"pullPolicy": "always"}}, "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent',"),
        ({"imagePullSecrets": ["registry"]}, "at '/imagePullSecrets/0': got string, want object"),
        ({"watchNamespaces": "shop"}, "at '/watchNamespaces': got string, want array"),
        ({"watchNamespaces": ["Shop"]}, "at '/watchNamespaces/0': 'Shop' does not match pattern"),
        ({"watchNamespaces": ["shop", "shop"]}, "at '/watchNamespaces': items at 0 and 1 are equal"),
        ({"workers": 0}, "at '/workers': minimum: got 0, want 1"),
        ({"workers": "10"}, "at '/workers': got string, want integer"),
        ({"shards": 65}, "at '/shards': maximum: got 65, want 64"),
        ({"leaseDuration": 4}, "at '/leaseDuration': minimum: got 4, want 5"),
        ({"leaseDuration": "15s"}, "at '/leaseDuration': got string, want integer"),
        ({"logFormat": "xml"}, "at '/logFormat': value must be one of 'json', 'text'"),
        ({"logLevel": "INFO"}, "at '/logLevel': value must be one of 'debug', 'info', 'warning', 'error'"),
        ({"aws": {"region": "Ireland"}}, "at '/aws/region': 'Ireland' does not match pattern"),
        ({"aws": {"endpointUrls": {"sts": "sts.example.com"}}}, "at '/aws/endpointUrls/sts': 'sts.example.com'"),
        ({"aws": {"endpointUrls": {"s3": "https://x"}}}, "at '/aws/endpointUrls': additional properties 's3'"),
        ({"crds": {"keep": "yes"}}, "at '/crds/keep': got string, want boolean"),
        ({"policy": {"rules": [{"namespaces": ["shop"]}]}}, "at '/policy/rules/0': missing property 'applications'"),
        ({"policy": {"rules": [{**RULE, "enviroments": ["x"]}]}}, "additional properties 'enviroments' not allowed"),
        ({"policy": {"rules": [{**RULE, "roleArns": []}]}}, "at '/policy/rules/0/roleArns': minItems: got 0, want 1"),
        ({"podLabels": {"zone": 1}}, "at '/podLabels/zone': got number, want string"),
        ({"podDisruptionBudget": {"maxUnavailable": 0}}, "maxUnavailable': minimum: got 0, want 1"),
        ({"terminationGracePeriodSeconds": 5}, "at '/terminationGracePeriodSeconds': minimum: got 5, want 15"),
        ({"metrics": {"serviceMonitor": {"interval": "30"}}}, "at '/metrics/serviceMonitor/interval': '30'"),
        ({"extraEnv": [{"name": "HTTPS_PROXY", "vlaue": "x"}]}, "at '/extraEnv/0': additional properties 'vlaue' not"),
        ({"extraEnv": {"HTTPS_PROXY": "x"}}, "at '/extraEnv': got object, want array"),
        # What no schema can say.
        (
            {"watchNamespaces": ["shop"], "rbac": {"aggregateToEdit": True}},
            "rbac.aggregateToEdit take ClusterRoles, and with watchNamespaces the chart makes none",
        ),
        ({"serviceAccount": {"create": False}}, "name the ServiceAccount in serviceAccount.name"),
        ({"policy": {"enabled": True}}, "policy.enabled is true, and policy.rules is empty: give it at least one rule"),
        ({"policy": {"rules": [RULE]}}, "policy.rules would not be used: set policy.enabled to true"),
        (
            {"extraEnv": [{"name": "APPCONFIG_OPERATOR_WORKERS", "value": "5"}]},
            "extraEnv: APPCONFIG_OPERATOR_WORKERS is a setting that the chart makes: use the value for it",
        ),
    ],
    ids=lambda part: next(iter(part)) if isinstance(part, dict) else "",
)  # fmt: skip
def test_refused(values: dict[str, object], message: str) -> None:
    assert message in refusal(values)
