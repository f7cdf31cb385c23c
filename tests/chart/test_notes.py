"""What the user reads after the installation: the next commands, and what is still missing."""

from __future__ import annotations

import yaml

from tests.chart.rendering import NAMESPACE, notes

COMPLETE = {
    "image": {"repository": "registry.example.com/appconfig-operator"},
    "aws": {"region": "eu-west-1"},
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/x"}},
}


def first_source(text: str) -> dict[str, dict[str, str]]:
    """Read the resource that the notes let the user apply."""
    _, _, rest = text.partition("<<EOF\n")
    return dict(yaml.safe_load(rest.partition("EOF")[0]))


def test_all_namespaces() -> None:
    text = notes(COMPLETE)
    assert "It serves all namespaces." in text
    assert "WARNING" not in text
    assert "NOTE" not in text
    assert f"kubectl -n {NAMESPACE} rollout status deployment/appconfig-operator" in text
    source = first_source(text)
    assert source["metadata"] == {"name": "first", "namespace": "default"}
    assert set(source["spec"]) == {"application", "environment", "configurationProfile"}
    assert "kubectl -n default get appconfigsource first" in text


def test_some_namespaces() -> None:
    text = notes({**COMPLETE, "watchNamespaces": ["shop", "billing"], "crds": {"enabled": False}})
    assert "It serves shop, billing." in text
    assert first_source(text)["metadata"]["namespace"] == "shop"
    assert "kubectl -n shop describe appconfigsource first" in text
    assert "crds.enabled is false" in text


def test_what_is_missing_is_named() -> None:
    text = notes({})
    assert "WARNING: image.repository is the default" in text
    assert "WARNING: aws.region is empty" in text
    assert "NOTE: the operator has no AWS identity by these values" in text
    assert first_source(text)["spec"]["region"] == "eu-west-1"


def test_keys_in_the_environment_are_an_identity() -> None:
    assert "no AWS identity" not in notes({"extraEnvFrom": [{"secretRef": {"name": "aws-keys"}}]})


def test_an_image_that_is_pinned_by_its_digest_is_not_the_default() -> None:
    assert "image.repository" not in notes({"image": {"digest": f"sha256:{'0' * 64}"}})
