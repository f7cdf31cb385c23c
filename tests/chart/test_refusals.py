"""Values that are wrong, and what the user sees."""

from __future__ import annotations

import pytest
import yaml

from tests.chart.support.rendering import leaves, refusal, render
from tools.chart import CHART

RULE = {"namespaces": ["shop"], "applications": ["shop"]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replicas": 2}, "additional properties 'replicas' not allowed"),
        ({"image": {"name": "x"}}, "at '/image': additional properties 'name' not allowed"),
        ({"image": "appconfig-operator:0.1.0"}, "at '/image': got string, want object"),
        ({"image": {"tag": 0.1}}, "at '/image/tag': got number, want string"),
        ({"image": {"repository": ""}}, "at '/image/repository': '' does not match pattern"),
        ({"image": {"repository": "https://registry.example.com/x"}}, "at '/image/repository': 'https://registry.example"),
        ({"image": {"repository": "registry.example.com/x:0.1.0"}}, "at '/image/repository': 'registry.example.com"),
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
        ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "maxUnavailable': '0%' does not match pattern"),
        ({"podDisruptionBudget": {"maxUnavailable": "00%"}}, "maxUnavailable': '00%' does not match pattern"),
        ({"podDisruptionBudget": {"maxUnavailable": "101%"}}, "maxUnavailable': '101%' does not match pattern"),
        ({"terminationGracePeriodSeconds": 5}, "at '/terminationGracePeriodSeconds': minimum: got 5, want 15"),
        ({"metrics": {"serviceMonitor": {"interval": "30"}}}, "at '/metrics/serviceMonitor/interval': '30'"),
        ({"extraEnv": [{"name": "HTTPS_PROXY", "vlaue": "x"}]}, "at '/extraEnv/0': additional properties 'vlaue' not"),
        ({"extraEnv": {"HTTPS_PROXY": "x"}}, "at '/extraEnv': got object, want array"),
        # What no schema can say.
        (
            {"watchNamespaces": ["shop"], "rbac": {"aggregateToEdit": True}},
            "rbac.aggregateToEdit need ClusterRoles, and with watchNamespaces the chart creates none",
        ),
        ({"serviceAccount": {"create": False}}, "name the ServiceAccount in serviceAccount.name"),
        ({"policy": {"enabled": True}}, "policy.enabled is true, but policy.rules is empty: add at least one rule"),
        ({"policy": {"rules": [RULE]}}, "policy.rules would have no effect: set policy.enabled to true"),
        (
            {"extraEnv": [{"name": "APPCONFIG_OPERATOR_WORKERS", "value": "5"}]},
            "extraEnv: APPCONFIG_OPERATOR_WORKERS is set by the chart: use the value for it",
        ),
        (
            {"extraEnv": [{"name": "APPCONFIG_OPERATOR_LEASE_NAMESPACE", "value": "shop"}]},
            "extraEnv: APPCONFIG_OPERATOR_LEASE_NAMESPACE cannot be set: roles, ports and probes of the chart rely on",
        ),
        (
            {"extraEnv": [{"name": "APPCONFIG_OPERATOR_HEALTH_PORT", "value": "80"}]},
            "extraEnv: APPCONFIG_OPERATOR_HEALTH_PORT cannot be set",
        ),
        (
            {"extraEnv": [{"name": "APPCONFIG_OPERATOR_METRICS_PORT", "value": "80"}]},
            "extraEnv: APPCONFIG_OPERATOR_METRICS_PORT cannot be set",
        ),
        (
            {"aws": {"region": "eu-west-1"}, "extraEnv": [{"name": "AWS_REGION", "value": "eu-west-1"}]},
            "extraEnv: AWS_REGION appears twice, here and as aws.region: leave one of them out",
        ),
        (
            {"aws": {"endpointUrls": {"sts": "https://x"}}, "extraEnv": [{"name": "AWS_ENDPOINT_URL_STS"}]},
            "extraEnv: AWS_ENDPOINT_URL_STS appears twice, here and as aws.endpointUrls.sts",
        ),
        (
            {
                "aws": {"endpointUrls": {"appconfigdata": "https://x"}},
                "extraEnv": [{"name": "AWS_ENDPOINT_URL_APPCONFIGDATA"}],
            },
            "extraEnv: AWS_ENDPOINT_URL_APPCONFIGDATA appears twice, here and as aws.endpointUrls.appconfigdata",
        ),
        (
            {"extraEnv": [{"name": "NO_PROXY", "value": "a"}, {"name": "NO_PROXY", "value": "b"}]},
            "extraEnv: NO_PROXY appears twice, here and as another one of extraEnv",
        ),
        (
            {"policy": {"enabled": True, "rules": [RULE]}, "extraVolumes": [{"name": "policy", "emptyDir": {}}]},
            "extraVolumes: the chart uses the volume name policy",
        ),
        (
            {"metrics": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}},
            "metrics.serviceMonitor and metrics.podMonitor would both scrape the same Pods",
        ),
    ],
    ids=lambda part: next(iter(part)) if isinstance(part, dict) else "",
)  # fmt: skip
def test_refused(values: dict[str, object], message: str) -> None:
    assert message in refusal(values)


def paths() -> list[str]:
    """Give all values, and the maps that they are in."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    free = ("podSecurityContext", "resources", "securityContext")
    found = {path.split(".", 1)[0] if path.startswith(free) else path for path in leaves(values)}
    found |= {path.rsplit(".", count)[0] for path in found for count in range(1, path.count(".") + 1)}
    return sorted(found - {"enabled", "global"})


@pytest.mark.parametrize("path", paths())
def test_an_empty_value_is_refused(path: str) -> None:
    """As `workers:` is, with nothing behind it."""
    *above, name = path.split(".")
    values: dict[str, object] = {name: None}
    for parent in reversed(above):
        values = {parent: values}
    assert f"missing property '{name}'" in refusal(values)


@pytest.mark.parametrize("name", ["enabled", "global"])
def test_what_only_a_chart_around_this_one_uses_may_be_empty(name: str) -> None:
    assert render({name: None}) == render({})
