"""The overlays that docs/kustomize.md and the comments in manifests/ show: they can be built as they stand there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.support.rendered import container_of, objects_of
from tools.manifests import MANIFESTS, ROOT, render

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "kustomize.md").read_text(encoding="utf-8")
BLOCKS = [block.partition("```")[0] for block in PAGE.split("```yaml\n")[1:]]
REMOTE = re.compile(r"https://github\.com/OWNER/appconfig-operator//(\S+)\?ref=REVISION")
COMMENTED = [
    path for path in sorted(MANIFESTS.rglob("kustomization.yaml")) if re.search("^#   ", path.read_text(), re.MULTILINE)
]


def built(folder: Path, text: str) -> dict[str, dict[str, Any]]:
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")
    return objects_of(render(folder))


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_overlay_of_the_page_can_be_built(tmp_path: Path, number: int) -> None:
    root = os.path.relpath(ROOT, tmp_path.resolve())
    text, remotes = REMOTE.subn(rf"{root}/\1", BLOCKS[number])
    assert remotes
    objects = built(tmp_path, text)
    namespace = yaml.safe_load(text).get("namespace", "appconfig-operator")
    # The namespaces that the page itself makes up are there already, and with others in them.
    assert (f"Namespace/{namespace}" in objects) == (namespace == "appconfig-operator")
    assert any(key.startswith("RoleBinding/") for key in objects)
    assert {item["metadata"].get("namespace", namespace) for item in objects.values()} == {namespace}


def test_the_first_overlay_of_the_page_sets_image_identity_and_region(tmp_path: Path) -> None:
    objects = built(tmp_path, REMOTE.sub(rf"{os.path.relpath(ROOT, tmp_path.resolve())}/\1", BLOCKS[0]))
    container = container_of(objects["Deployment/appconfig-operator"])
    assert container["image"] == "registry.example.com/appconfig-operator:0.1.0"
    assert container["env"] == [{"name": "AWS_REGION", "value": "eu-west-1"}]
    annotations = objects["ServiceAccount/appconfig-operator"]["metadata"]["annotations"]
    assert set(annotations) == {"eks.amazonaws.com/role-arn"}


def test_the_page_names_each_folder_and_component() -> None:
    named = set(re.findall(r"^\| `([\w/-]+)`", PAGE, re.MULTILINE))
    kinds = {
        str(file.parent.relative_to(ROOT)): yaml.safe_load(file.read_text(encoding="utf-8"))["kind"]
        for file in [ROOT / "crds" / "kustomization.yaml", *MANIFESTS.rglob("kustomization.yaml")]
    }
    whole = {path for path, kind in kinds.items() if kind == "Kustomization"}
    parts = {path for path, kind in kinds.items() if kind == "Component"}
    top = {path.removeprefix("manifests/components/") for path in parts if "identities/" not in path}
    assert named == whole - {"manifests/samples/consumers"} | top


@pytest.mark.parametrize("path", COMMENTED, ids=lambda path: str(path.parent.relative_to(MANIFESTS)))
def test_an_overlay_of_a_comment_can_be_built(tmp_path: Path, path: Path) -> None:
    """A comment has one overlay, or parts of one, for a folder beside base."""
    lines = re.findall(r"^#   (.*)$|^#$", path.read_text(encoding="utf-8"), re.MULTILINE)
    manifests = os.path.relpath(MANIFESTS, tmp_path.resolve())
    parts = [yaml.safe_load(block) for block in "\n".join(lines).split("\n\n") if block.strip()]
    overlay = {"resources": ["../base"]}
    for part in parts:
        overlay |= part
    assert built(tmp_path, yaml.safe_dump(overlay).replace("- ../", f"- {manifests}/"))
