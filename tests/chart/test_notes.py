"""What the user reads after the installation: the next commands, and what is still missing."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from appconfig_operator.core.policy import parse
from tests.chart.support.rendering import NAMESPACE, notes
from tests.support import builders

if TYPE_CHECKING:
    from pathlib import Path

COMPLETE = {
    "image": {"repository": "registry.example.com/appconfig-operator"},
    "aws": {"region": "eu-west-1"},
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/x"}},
}


def first_source(text: str) -> dict[str, dict[str, str]]:
    """Read the resource that the notes let the user apply."""
    _, _, rest = text.partition("<<'EOF'\n")
    return dict(yaml.safe_load(rest.partition("\nEOF")[0]))


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
    assert "NOTE: these values give the operator no AWS identity" in text
    assert first_source(text)["spec"]["region"] == "eu-west-1"


def test_keys_in_the_environment_are_an_identity() -> None:
    assert "no AWS identity" not in notes({"extraEnvFrom": [{"secretRef": {"name": "aws-keys"}}]})


def test_an_image_that_is_pinned_by_its_digest_is_not_the_default() -> None:
    assert "image.repository" not in notes({"image": {"digest": f"sha256:{'0' * 64}"}})


ROLES = ["arn:aws:iam::111122223333:role/*"]


@pytest.mark.parametrize(
    ("rules", "namespaces", "expected"),
    [
        ([{"namespaces": ["shop", "shop-*"], "applications": ["shop"]}], [], ("shop", "shop", "my-environment")),
        ([{"namespaces": ["*"], "applications": ["*"]}], [], ("default", "my-application", "my-environment")),
        (
            [
                {
                    "namespaces": ["team-?-*"],
                    "applications": ["*", "a*"],
                    "environments": ["dev", "p*"],
                    "roleArns": ROLES,
                }
            ],
            [],
            ("team-x-example", "aexample", "dev"),
        ),
        (
            [
                {"namespaces": ["billing"], "applications": ["billing"]},
                {"namespaces": ["*.b"], "applications": ["no"]},
                {"namespaces": ["shop*"], "applications": ["public"]},
            ],
            ["a-b", "shop"],
            ("shop", "public", "my-environment"),
        ),
        (
            [{"namespaces": ["[ab]", "2024"], "applications": ["[a]", "$(id) `id`"]}],
            [],
            ("2024", "$(id) `id`", "my-environment"),
        ),
        (
            [
                {"namespaces": ["*"], "applications": ["[ab]*"]},
                {"namespaces": ["prod"], "applications": ["shop"]},
            ],
            [],
            ("prod", "shop", "my-environment"),
        ),
        (
            [
                {"namespaces": ["*"], "applications": ["a"], "environments": ["[ab]*"]},
                {"namespaces": ["prod"], "applications": ["shop"], "environments": ["live"]},
            ],
            [],
            ("prod", "shop", "live"),
        ),
        ([{"namespaces": ["*"], "applications": ["[ab]*", "*"]}], [], ("default", "my-application", "my-environment")),
    ],
    ids=[
        "a name",
        "all",
        "patterns",
        "of those that are served",
        "sets, and what a shell would run",
        "one whose application can be said",
        "one whose environment can be said",
        "anything, by the second pattern",
    ],
)
def test_the_first_source_is_one_that_the_policy_allows(
    rules: list[dict[str, list[str]]], namespaces: list[str], expected: tuple[str, str, str]
) -> None:
    text = notes({**COMPLETE, "policy": {"enabled": True, "rules": rules}, "watchNamespaces": namespaces})
    source = first_source(text)
    spec = source["spec"]
    assert (source["metadata"]["namespace"], spec["application"], spec["environment"]) == expected
    assert "that policy.rules allow" in text
    assert "NOTE" not in text
    named = builders.spec(application=spec["application"], environment=spec["environment"])
    parse(yaml.safe_dump({"rules": rules})).check(builders.source(namespace=expected[0], spec=named))


def test_a_policy_that_allows_none_of_the_namespaces_is_noted() -> None:
    rules = [{"namespaces": ["shop"], "applications": ["shop"]}]
    text = notes({**COMPLETE, "policy": {"enabled": True, "rules": rules}, "watchNamespaces": ["billing"]})
    assert "NOTE: policy.rules do not allow any of these namespaces to read anything" in text
    assert first_source(text)["metadata"]["namespace"] == "billing"


def test_a_set_may_allow_it() -> None:
    """What a pattern with [ means is not said here, so nobody is reported that it allows nothing."""
    rules = [{"namespaces": ["team-[ab]"], "applications": ["shop"]}]
    text = notes({**COMPLETE, "policy": {"enabled": True, "rules": rules}, "watchNamespaces": ["team-a"]})
    assert "NOTE" not in text
    assert first_source(text)["metadata"]["namespace"] == "team-a"


@pytest.mark.parametrize(
    ("rules", "namespaces", "made"),
    [
        ([{"namespaces": ["team-*"], "applications": ["shop"]}], [], "team-example"),
        ([{"namespaces": ["team-*", "team-a"], "applications": ["shop"]}], ["team-a"], ""),
        ([{"namespaces": ["team-a"], "applications": ["shop"]}], [], ""),
        ([{"namespaces": ["*"], "applications": ["shop"]}], [], ""),
    ],
    ids=["a pattern", "one that is served", "one that a rule names", "default"],
)
def test_a_namespace_that_nobody_named_is_created_first(
    rules: list[dict[str, list[str]]], namespaces: list[str], made: str
) -> None:
    text = notes({**COMPLETE, "policy": {"enabled": True, "rules": rules}, "watchNamespaces": namespaces})
    created = re.findall(r"^kubectl create namespace (.*)\n(?=kubectl apply)", text, re.MULTILINE)
    assert created == ([made] if made else [])
    assert ("if you have a different one" in text) is bool(made)


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
