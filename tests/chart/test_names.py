"""Names and labels, whatever they look like: as they are reported, and never in the way of what selects the Pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox.kube.helm import Helm
from tests.chart.support.rendering import CASES, Object, notes, objects_of, of_kind, one, parsed, pod, render
from tools.chart import CHART, alerts

if TYPE_CHECKING:
    from collections.abc import Iterator

CRD = "CustomResourceDefinition"
SELECTOR = {"app.kubernetes.io/name": "appconfig-operator", "app.kubernetes.io/instance": "appconfig-operator"}
NAMES = {"name", "namespace", "serviceAccountName", "priorityClassName"}

# What YAML takes for something else than text, where the API of Kubernetes takes it for a name.
NO_TEXT = ["123", "1e3", "on", "true", "null", "2024-01-01"]


def names_in(part: Any) -> Iterator[tuple[str, object]]:
    """Give all names in an object, and all labels that it has or selects by."""
    if isinstance(part, list):
        for item in part:
            yield from names_in(item)
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"labels", "matchLabels", "annotations"}:
                yield from value.items()
            elif key in NAMES and not isinstance(value, dict):
                yield key, value
            else:
                yield from names_in(value)


def rendered(case: str, word: str) -> list[Object]:
    """Render a case, with a word as each of its names."""
    flags = [f"--set-string={name}={word}" for name in ("fullnameOverride", "nameOverride", "priorityClassName")]
    flags += [f"--set-string={name}={word}" for name in ("serviceAccount.name", "watchNamespaces[0]")]
    command = (f"--values={CHART}/ci/{case}-values.yaml", f"--namespace={word}", *flags)
    return [item for item in parsed(Helm()("template", word, CHART, *command)) if item["kind"] != CRD]


@pytest.mark.parametrize("word", NO_TEXT)
@pytest.mark.parametrize("case", ["namespaced-identities", "service-monitor", "pod-monitor", "high-availability"])
def test_names_that_look_like_no_text_are_text(case: str, word: str) -> None:
    found = list(names_in(rendered(case, word)))
    assert [(key, value) for key, value in found if not isinstance(value, str)] == []
    # Of a name, a namespace, a ServiceAccount and a priority class.
    assert {key for key, value in found if value == word} >= NAMES
    assert ("app.kubernetes.io/name", word) in found


def test_notes_for_a_namespace_that_looks_like_a_number() -> None:
    assert 'namespace: "2024"\n' in notes({"watchNamespaces": ["2024"]})


@pytest.mark.parametrize(
    ("release", "service"),
    [
        ("appconfig-operator", "appconfig-operator-metrics"),
        ("team.a", "team-a-appconfig-operator-metrics"),
        ("2024", "n2024-appconfig-operator-metrics"),
        (f"{'x' * 45}.y", f"{'x' * 45}-metrics"),
    ],
    ids=["plain", "dot", "digit", "cut at a dot"],
)
def test_the_service_has_a_name_that_a_service_may_have(release: str, service: str) -> None:
    objects = render({"metrics": {"service": {"enabled": True}}}, release=release)
    assert one(objects, "Service")["metadata"]["name"] == service
    assert not one(objects, "Deployment")["metadata"]["name"].endswith(".")


def test_the_notes_name_the_deployment() -> None:
    assert "rollout status deployment/config-from-aws\n" in notes({"fullnameOverride": "config-from-aws"})


@pytest.mark.parametrize("value", ["podLabels", "commonLabels"])
def test_labels_of_the_user_do_not_replace_those_that_select(value: str) -> None:
    taken = {**dict.fromkeys(SELECTOR, "mine"), "app.kubernetes.io/part-of": "mine", "team": "platform"}
    objects = render({value: taken})
    assert one(objects, "Deployment")["spec"]["selector"]["matchLabels"] == SELECTOR
    labels = pod(objects)["metadata"]["labels"]
    assert labels == {**SELECTOR, "app.kubernetes.io/part-of": "appconfig-operator", "team": "platform"}
    for item in objects:
        assert "mine" not in item["metadata"]["labels"].values()


@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
def test_the_job_is_called_as_in_the_alerts_whatever_the_names_are(monitor: str) -> None:
    names = {"nameOverride": "config", "fullnameOverride": "other"}
    objects = render({**names, "metrics": {monitor: {"enabled": True}}}, release="mine")
    job_label = one(objects, monitor[0].upper() + monitor[1:])["spec"]["jobLabel"]
    labels = (
        one(objects, "Service")["metadata"]["labels"]
        if of_kind(objects, "Service")
        else pod(objects)["metadata"]["labels"]
    )
    assert f'job="{labels[job_label]}"' in alerts()


@pytest.mark.parametrize("case", [case for case in CASES if of_kind(objects_of(case), CRD)])
def test_the_crd_is_called_as_in_the_manifests(case: str) -> None:
    """Otherwise whoever applies it with kubectl has a conflict with Helm, about nothing."""
    labels = one(objects_of(case), CRD)["metadata"]["labels"]
    theirs = yaml.safe_load((CHART.parents[1] / "crds" / "appconfigsources.yaml").read_text(encoding="utf-8"))
    assert labels.items() >= theirs["metadata"]["labels"].items()
