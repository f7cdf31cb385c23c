"""The samples: listed, of our kind, and each consumer reads what its source writes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import yaml

from appconfig_operator.api import v1alpha1
from appconfig_operator.api.v1alpha1 import Source
from appconfig_operator.core.formats.render import render as render_data
from sandbox import wait_until
from tests.support.builders import content
from tests.support.restricted import check_restricted
from tests.unit.support.rendered import Object, container_of, objects_of
from tools.manifests import MANIFESTS, Overlay, render, render_overlay

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = MANIFESTS / "samples"
CONSUMERS = SAMPLES / "consumers"
FILE, ENV = "checkout-file", "checkout-env"
DOCUMENT = b'{"services": {"checkout": {"database": {"host": "db.shop.svc"}, "timeout": 30}}}'


@cache
def consumers() -> dict[str, Object]:
    return objects_of(render(CONSUMERS))


def source(name: str) -> Source:
    """Parse a source as the operator does."""
    sample = consumers()[f"{v1alpha1.KIND}/{name}"]
    crd = yaml.safe_load((MANIFESTS.parent / "crds" / "appconfigsources.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    metadata = sample["metadata"] | {"uid": "0", "generation": 1, "resourceVersion": "1"}
    return Source.from_dict({"metadata": metadata, "spec": with_defaults(sample["spec"], schema)})


def with_defaults(value: Object, schema: Object) -> Object:
    """Put the defaults of the CRD in, as the API server does."""
    fields = schema["properties"]
    full = {name: field["default"] for name, field in fields.items() if "default" in field} | value
    return {
        name: with_defaults(part, fields[name]) if "properties" in fields[name] else part for name, part in full.items()
    }


def keys(name: str) -> set[str]:
    """Render the document, and give the keys of the ConfigMap."""
    return set(render_data(content(DOCUMENT), source(name).spec).text)


def lone_files() -> list[Path]:
    """Return the samples that are applied one by one."""
    folder = MANIFESTS / "samples"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    return [file for file in sorted(folder.glob("*.yaml")) if file.name not in {*listed, "kustomization.yaml"}]


def test_samples_are_of_our_kind_in_the_namespace_that_comes_with_them() -> None:
    samples = objects_of(render(SAMPLES))
    (namespace,) = (name for name in samples if name.startswith("Namespace/"))
    others = [item for name, item in samples.items() if name != namespace]
    assert {item["apiVersion"] for item in others} == {v1alpha1.API_VERSION}
    alone = [item for file in lone_files() for item in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    everything = [*others, *alone, *consumers().values()]
    assert {item["metadata"]["namespace"] for item in everything} == {namespace.removeprefix("Namespace/")}


def test_the_list_of_samples_has_each_of_them() -> None:
    listed = set(re.findall(r"\]\(([\w/-]+\.yaml)\)", (SAMPLES / "README.md").read_text(encoding="utf-8")))
    files = {str(file.relative_to(SAMPLES)) for file in SAMPLES.rglob("*.yaml")}
    assert {name for name in files if not name.endswith(("kustomization.yaml", "namespace.yaml"))} == listed
    resources = yaml.safe_load((CONSUMERS / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert {file.name for file in CONSUMERS.glob("*.yaml")} == {*resources, "kustomization.yaml"}


def test_the_mounted_file_is_the_one_that_is_read() -> None:
    deployment = consumers()["Deployment/checkout-file-reader"]
    (volume,) = deployment["spec"]["template"]["spec"]["volumes"]
    (mount,) = container_of(deployment)["volumeMounts"]
    assert volume["configMap"] == {"name": source(FILE).spec.target.name, "optional": False}
    assert mount == {"name": volume["name"], "mountPath": "/etc/checkout", "readOnly": True}
    (key,) = keys(FILE)
    (script,) = container_of(deployment)["args"]
    assert re.findall(r"/etc/[\w./-]+", script) == [f"{mount['mountPath']}/{key}"]


def test_the_variables_that_are_read_are_those_of_the_source() -> None:
    container = container_of(consumers()["Deployment/checkout-env-reader"])
    assert container["envFrom"] == [{"configMapRef": {"name": source(ENV).spec.target.name, "optional": False}}]
    comment = (CONSUMERS / "env-from.yaml").read_text(encoding="utf-8")
    assert DOCUMENT.decode() in comment
    assert keys(ENV) == {"DATABASE_HOST", "TIMEOUT"} == set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b(?= and|:\n)", comment))
    assert set(re.findall(r"\$([A-Z_]+)", container["args"][0])) == keys(ENV)


def test_consumers_satisfy_the_restricted_standard_and_select_their_own_pods() -> None:
    deployments = [item for item in consumers().values() if item["kind"] == "Deployment"]
    assert len(deployments) == 2
    for item in deployments:
        check_restricted(item["spec"]["template"]["spec"])
        assert container_of(item)
        assert item["spec"]["selector"]["matchLabels"] == item["spec"]["template"]["metadata"]["labels"]


def test_an_overlay_can_give_all_consumers_another_image() -> None:
    images = [{"name": "busybox", "newName": "example/busybox", "newTag": "1"}]
    made = objects_of(render_overlay(Overlay(["samples/consumers"], fields={"images": images})))
    found = {container_of(item)["image"] for item in made.values() if item["kind"] == "Deployment"}
    assert found == {"example/busybox:1"}


def test_the_reader_of_the_file_prints_each_version_once_and_ends_at_once(tmp_path: Path) -> None:
    (script,) = container_of(consumers()["Deployment/checkout-file-reader"])["args"]
    file, log = tmp_path / "checkout.json", tmp_path / "log"
    file.write_text("one")
    script = script.replace("/etc/checkout", str(tmp_path)).replace("sleep 2", "sleep 0.05")
    with log.open("wb") as output, run(script, output.fileno()) as process:
        try:
            for expected in ("one\n", "one\ntwo\n"):
                wait_until(lambda expected=expected: log.read_text() == expected, 10, expected)  # type: ignore[misc]
                changed = tmp_path / "new"
                changed.write_text("two")
                changed.replace(file)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
    assert log.read_text() == "one\ntwo\n"


def test_the_reader_of_variables_prints_them_and_ends_at_once(tmp_path: Path) -> None:
    (script,) = container_of(consumers()["Deployment/checkout-env-reader"])["args"]
    log = tmp_path / "log"
    variables = {"DATABASE_HOST": "db.shop.svc", "TIMEOUT": "30"}
    with log.open("wb") as output, run(script.replace("sleep 60", "sleep 1"), output.fileno(), variables) as process:
        try:
            wait_until(lambda: log.read_text() == "db.shop.svc 30\n", 10, "the variables")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()


def run(script: str, output: int, variables: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Run a script as its container would."""
    shell = shutil.which("sh")
    assert shell is not None
    environment = {"PATH": os.environ["PATH"], **(variables or {})}
    return subprocess.Popen([shell, "-c", script], stdout=output, stderr=output, env=environment)
