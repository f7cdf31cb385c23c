"""What the user reads after the installation: the next commands, and what is still missing."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import yaml

from tests.chart.rendering import NAMESPACE, notes

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_shell_can_run_what_the_notes_say(tmp_path: Path) -> None:
    """Copied as they stand there. A heredoc ends at its word only when nothing stands before it."""
    kubectl = tmp_path / "kubectl"
    text = '#!/bin/sh\ncd \'{}\'\necho "$*" >> calls\nif test "$1" = apply; then cat > applied; fi\n'
    kubectl.write_text(text.format(tmp_path), encoding="utf-8")
    kubectl.chmod(0o755)
    said = notes({**COMPLETE, "watchNamespaces": ["2024"], "fullnameOverride": "config"})
    commands = re.findall(r"^kubectl apply .*?^EOF$|^ *kubectl .*?$", said, re.DOTALL | re.MULTILINE)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.defpath}"}
    shell = ["/bin/sh", "-euc", "\n".join(commands)]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines() == [
        f"-n {NAMESPACE} rollout status deployment/config",
        "apply -f -",
        "-n 2024 get appconfigsource first",
        "-n 2024 describe appconfigsource first",
    ]
    applied = yaml.safe_load((tmp_path / "applied").read_text(encoding="utf-8"))
    assert applied["metadata"] == {"name": "first", "namespace": "2024"}
    assert set(applied["spec"]) == {"application", "environment", "configurationProfile"}
