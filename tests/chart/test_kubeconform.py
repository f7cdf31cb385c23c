"""What is wrong with an object, kubeconform says: it goes by schemas that are made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tools import kubeconform

if TYPE_CHECKING:
    from pathlib import Path

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
CONTAINER = {"name": "x", "image": "x"}
SOURCE = {"apiVersion": "appconfig-operator.io/v1alpha1", "kind": "AppConfigSource", "metadata": {"name": "x"}}
SPEC = {"application": "x", "environment": "x", "configurationProfile": "x"}
MONITOR = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "x"}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {**POD, "metadata": {"name": "x", "lables": {}}},
            "at '/metadata': additional properties 'lables' not allowed",
        ),
        ({**POD, "spec": {}}, "missing property 'containers'"),
        ({**POD, "spec": {"containers": [CONTAINER], "serviceAccount": "x"}}, "'serviceAccount' not allowed"),
        (
            {**POD, "spec": {"containers": [{**CONTAINER, "ports": [{"containerPort": "80"}]}]}},
            "at '/spec/containers/0/ports/0/containerPort': got string, want integer",
        ),
        ({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "x"}}, "could not find schema for Endpoints"),
        (
            {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "x"}},
            "could not find schema for PodDisruptionBudget",
        ),
        ({**SOURCE, "spec": {**SPEC, "environment": 5}}, "at '/spec/environment': got number, want string"),
        ({**MONITOR, "spec": {"selector": {}, "podMetricsEndpoint": []}}, "'podMetricsEndpoint' not allowed"),
    ],
    ids=["metadata", "required", "deprecated", "type", "deprecated kind", "removed version", "source", "monitor"],
)
def test_refused(schema_folder: Path, body: dict[str, Any], message: str) -> None:
    done = kubeconform.check(["-"], schema_folder, yaml.safe_dump(body))
    assert done.returncode == 1
    assert message in done.stdout


def test_a_key_that_is_there_twice_is_refused(schema_folder: Path) -> None:
    text = yaml.safe_dump({**SOURCE, "spec": SPEC}) + "kind: AppConfigSource\n"
    assert "already set in map" in kubeconform.check(["-"], schema_folder, text).stdout


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "source.yaml"
    path.write_text(yaml.safe_dump({**SOURCE, "spec": SPEC}), encoding="utf-8")
    assert kubeconform.main([str(path)]) == 0
    assert "Valid: 1" in capsys.readouterr().out
    path.write_text(yaml.safe_dump(SOURCE), encoding="utf-8")
    assert kubeconform.main([str(path)]) == 1
    assert kubeconform.main([]) == 2
