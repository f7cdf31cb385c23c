"""What each value does."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import yaml

from appconfig_operator.core import policy
from tests.chart.support.rendering import NAMESPACE, container, objects_of, of_kind, one, pod, render
from tools.chart import ROOT, alerts

CRD = "CustomResourceDefinition"
RULE = {"namespaces": ["shop"], "applications": ["shop"]}


def environment(case: str) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container(objects_of(case)).get("env", ())}


def test_image() -> None:
    digest = f"sha256:{'0123456789abcdef' * 4}"
    assert container(objects_of("default"))["image"] == "appconfig-operator:0.1.0"
    assert container(objects_of("irsa"))["image"] == "registry.example.com/appconfig-operator:0.1.0-1"
    pinned = container(objects_of("names"))
    assert pinned["image"] == f"registry.example.com/appconfig-operator:0.1.0@{digest}"
    assert pinned["imagePullPolicy"] == "Always"
    assert pod(objects_of("names"))["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_crds() -> None:
    assert one(objects_of("default"), CRD)["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in one(objects_of("names"), CRD)["metadata"]
    assert one(objects_of("irsa"), CRD)["metadata"]["annotations"] == {
        "helm.sh/resource-policy": "keep",
        "argocd.argoproj.io/sync-options": "Prune=false",
    }
    assert not of_kind(objects_of("namespaced"), CRD)


def test_aws() -> None:
    assert environment("default") == {}
    assert environment("irsa") == {"AWS_REGION": "eu-west-1"}
    assert environment("vpc-endpoints") == {
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_APPCONFIGDATA": ("https://vpce-0123456789abcdef0.appconfigdata.eu-west-1.vpce.amazonaws.com"),
        "AWS_ENDPOINT_URL_STS": "https://sts.eu-west-1.amazonaws.com",
    }


def test_service_account() -> None:
    account = one(objects_of("irsa"), "ServiceAccount")["metadata"]
    assert account["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/appconfig-operator"}
    assert pod(objects_of("irsa"))["spec"]["serviceAccountName"] == account["name"] == "appconfig-operator"
    others = objects_of("others-roles")
    assert pod(others)["spec"]["serviceAccountName"] == "appconfig"
    assert {item["kind"] for item in others} == {CRD, "Deployment"}


def test_names() -> None:
    objects = [item for item in objects_of("names") if item["kind"] != CRD]
    assert {item["metadata"]["name"] for item in objects} == {"config-from-aws", "config-from-aws-leases"}
    assert {item["metadata"]["labels"]["team"] for item in objects_of("names")} == {"platform"}
    assert pod(objects)["metadata"]["labels"]["team"] == "platform"


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("appconfig-operator", "appconfig-operator"),
        ("team-a", "team-a-appconfig-operator"),
        ("x" * 53, "x" * 46),
    ],
)
def test_the_name_of_a_release(release: str, name: str) -> None:
    values = {"identities": {"serviceAccounts": True}, "metrics": {"serviceMonitor": {"enabled": True}}}
    objects = render(values, release=release)
    assert one(objects, "Deployment")["metadata"]["name"] == name
    assert all(len(item["metadata"]["name"]) <= 63 for item in objects)


def test_a_policy_is_one_that_the_operator_reads() -> None:
    objects = objects_of("policy")
    config_map = one(objects, "ConfigMap")
    (mount,), (volume,) = container(objects)["volumeMounts"], pod(objects)["spec"]["volumes"]
    assert mount == {"name": "policy", "mountPath": "/etc/appconfig-operator", "readOnly": True}
    assert volume == {"name": mount["name"], "configMap": {"name": config_map["metadata"]["name"]}}
    (argument,) = (item for item in container(objects)["args"] if item.startswith("--policy-file="))
    assert argument == f"--policy-file={mount['mountPath']}/{next(iter(config_map['data']))}"
    first, second = policy.parse(config_map["data"]["policy.yaml"]).rules
    assert (first.namespaces, second.applications) == (("shop", "shop-*"), ("public",))


def test_a_changed_policy_replaces_the_pods() -> None:
    """The operator reads it once, at the start."""

    def annotations(rule: dict[str, Any]) -> dict[str, str]:
        return dict(pod(render({"policy": {"enabled": True, "rules": [rule]}}))["metadata"]["annotations"])

    first, second = annotations(RULE), annotations({**RULE, "environments": ["production"]})
    assert first != second
    assert (
        first["checksum/policy"]
        == hashlib.sha256(json.dumps([RULE], separators=(",", ":"), sort_keys=True).encode()).hexdigest()
    )
    assert "annotations" not in pod(objects_of("default"))["metadata"]


def test_users() -> None:
    """The roles for people are those of manifests/user-roles, for who wants them."""
    theirs = yaml.safe_load_all((ROOT / "manifests" / "user-roles" / "roles.yaml").read_text(encoding="utf-8"))
    expected = {item["metadata"]["name"]: item for item in theirs}
    ours = {item["metadata"]["name"]: item for item in of_kind(objects_of("policy"), "ClusterRole")}
    for role in ("view", "edit"):
        name, label = f"appconfig-operator-{role}", f"rbac.authorization.k8s.io/aggregate-to-{role}"
        assert ours[name]["rules"] == expected[name]["rules"]
        assert ours[name]["metadata"]["labels"][label] == expected[name]["metadata"]["labels"][label] == "true"
    assert len(of_kind(objects_of("default"), "ClusterRole")) == 1


def test_high_availability() -> None:
    objects = objects_of("high-availability")
    assert one(objects, "Deployment")["spec"]["replicas"] == 3
    budget = one(objects, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == ("34%", "AlwaysAllow")
    assert pod(objects)["spec"]["priorityClassName"] == "system-cluster-critical"
    by_zone, by_node = pod(objects)["spec"]["topologySpreadConstraints"]
    assert by_zone["labelSelector"]["matchLabels"] == one(objects, "Deployment")["spec"]["selector"]["matchLabels"]
    assert by_node["labelSelector"] == {"matchLabels": {"app.kubernetes.io/part-of": "appconfig-operator"}}
    assert container(objects)["resources"]["limits"] == {"memory": "1Gi"}


def test_a_budget_is_only_for_more_replicas_than_one() -> None:
    """With one, it would block every drain."""
    assert not of_kind(objects_of("default"), "PodDisruptionBudget")
    assert not of_kind(objects_of("no-budget"), "PodDisruptionBudget")
    assert one(render({"replicaCount": 2}), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_replicas_are_spread_as_kustomize_spreads_them() -> None:
    path = ROOT / "manifests" / "components" / "high-availability" / "spread.yaml"
    theirs = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["template"]["spec"]["topologySpreadConstraints"]
    objects = render({"replicaCount": 2})
    selector = one(objects, "Deployment")["spec"]["selector"]
    expected = [{**constraint, "labelSelector": selector} for constraint in theirs]
    assert pod(objects)["spec"]["topologySpreadConstraints"] == expected
    assert "topologySpreadConstraints" not in pod(objects_of("default"))["spec"]


def test_large_numbers_are_integers() -> None:
    """Helm reads all numbers of a file as floats."""
    budget = {"podDisruptionBudget": {"maxUnavailable": 1000000}}
    objects = render({"replicaCount": 1000000, "terminationGracePeriodSeconds": 1000000, **budget})
    found = [one(objects, "Deployment")["spec"]["replicas"], pod(objects)["spec"]["terminationGracePeriodSeconds"]]
    found.append(one(objects, "PodDisruptionBudget")["spec"]["maxUnavailable"])
    assert [repr(number) for number in found] == ["1000000"] * 3


def test_pods() -> None:
    objects = objects_of("pods")
    spec, made = pod(objects)["spec"], container(objects)
    assert pod(objects)["metadata"]["annotations"] == {"example.com/reviewed": "yes"}
    assert pod(objects)["metadata"]["labels"]["example.com/zone"] == "inner"
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert spec["tolerations"][0]["key"] == "dedicated"
    assert "nodeAffinity" in spec["affinity"]
    assert spec["terminationGracePeriodSeconds"] == 60
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert made["securityContext"]["runAsNonRoot"] is True
    assert environment("pods") == {
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "AWS_CA_BUNDLE": "/etc/bundle/ca.pem",
    }
    assert made["envFrom"] == [{"secretRef": {"name": "aws-keys"}}]
    assert spec["volumes"] == [{"name": "bundle", "configMap": {"name": "ca-bundle"}}]
    assert made["volumeMounts"] == [{"name": "bundle", "mountPath": "/etc/bundle", "readOnly": True}]
    assert {"--log-format=text", "--log-level=debug"} <= set(made["args"])


def test_extra_objects_are_templates() -> None:
    objects = objects_of("pods")
    assert one(objects, "ConfigMap")["metadata"] == {"name": "ca-bundle", "namespace": NAMESPACE}
    assert one(objects, "Secret")["metadata"] == {"name": "aws-keys", "namespace": NAMESPACE}


def test_network_policy() -> None:
    spec = one(objects_of("vpc-endpoints"), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    ports = {port["name"] for port in container(objects_of("vpc-endpoints"))["ports"]}
    assert {port["port"] for rule in spec["ingress"] for port in rule["ports"]} == ports
    assert not any("from" in rule for rule in spec["ingress"])
    agents = [{"ipBlock": {"cidr": cidr}} for cidr in ("169.254.170.23/32", "fd00:ec2::23/128")]
    assert spec["egress"] == [
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {"ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]},
        {"ports": [{"port": 80, "protocol": "TCP"}], "to": agents},
    ]
    fenced = one(objects_of("service-monitor"), "NetworkPolicy")["spec"]
    (metrics,) = (rule for rule in fenced["ingress"] if rule["ports"][0]["port"] == "metrics")
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert fenced["egress"] == [*spec["egress"], {"ports": [{"port": 3128, "protocol": "TCP"}]}]


def test_service_monitor() -> None:
    objects = objects_of("service-monitor")
    service, monitor = one(objects, "Service"), one(objects, "ServiceMonitor")
    assert service["spec"]["ports"] == [{"name": "metrics", "port": 9090, "targetPort": "metrics", "protocol": "TCP"}]
    assert service["metadata"]["annotations"] == {"example.com/scraped-by": "prometheus"}
    assert monitor["spec"]["endpoints"] == [
        {"port": "metrics", "path": "/metrics", "interval": "30s", "scrapeTimeout": "10s"}
    ]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_a_service_monitor_brings_its_service() -> None:
    objects = render({"metrics": {"serviceMonitor": {"enabled": True}}})
    assert one(objects, "Service")["spec"]["ports"][0]["port"] == 8080
    assert one(objects, "ServiceMonitor")["spec"]["endpoints"] == [{"port": "metrics", "path": "/metrics"}]


def test_pod_monitor() -> None:
    objects = objects_of("pod-monitor")
    assert not of_kind(objects, "Service")
    monitor = one(objects, "PodMonitor")["spec"]
    assert monitor["podMetricsEndpoints"] == [
        {"port": "metrics", "path": "/metrics", "interval": "1m", "scrapeTimeout": "20s"}
    ]
    assert "metrics" in {port["name"] for port in container(objects)["ports"]}


@pytest.mark.parametrize(
    ("case", "kind", "of"), [("service-monitor", "ServiceMonitor", "Service"), ("pod-monitor", "PodMonitor", "Pod")]
)
def test_the_job_is_called_as_in_the_alerts(case: str, kind: str, of: str) -> None:
    objects = objects_of(case)
    labels = pod(objects)["metadata"]["labels"] if of == "Pod" else one(objects, of)["metadata"]["labels"]
    assert f'job="{labels[one(objects, kind)["spec"]["jobLabel"]]}"' in alerts()
