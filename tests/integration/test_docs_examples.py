"""The API server takes the resources in the pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from appconfig_operator.api.v1alpha1 import GROUP, KIND, VERSION
from sandbox.kube.kubectl import Kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import ControlPlane

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
MINIMAL = {"application": "shop", "environment": "production", "configurationProfile": "checkout"}
BEGIN = "```yaml|kubectl apply --server-side -f - <<'YAML'"
BLOCK = re.compile(rf"^(?:{BEGIN})\n(.*?)^(?:```|YAML)$", re.MULTILINE | re.DOTALL)
FIELDS = {"select", "target", "featureFlags", "credentials", "suspend", "pinnedDigest", *MINIMAL}


def blocks() -> Iterator[tuple[str, list[Any]]]:
    for page in PAGES:
        for number, text in enumerate(BLOCK.findall(page.read_text("utf-8")), 1):
            yield f"{page.name}, block {number}", list(yaml.safe_load_all(text))


def specs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each spec of an AppConfigSource, whole or in part."""
    for name, documents in blocks():
        for document in documents:
            if not isinstance(document, dict):
                continue
            part = set(document) == {"spec"} and set(document["spec"]) <= FIELDS
            if part or document.get("kind") == "AppConfigSource":
                yield name, {**(MINIMAL if part else {}), **document["spec"]}


def test_the_api_server_takes_each_spec_of_an_appconfigsource(installed: ControlPlane, namespace: str) -> None:
    named = {name.partition(",")[0] for name, _ in specs()}
    assert {"README.md", "getting-started.md", "consumers.md", "how-tos.md"} <= named
    kind = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND}
    sources = [
        {**kind, "metadata": {"name": re.sub(r"\W+", "-", name.lower()), "namespace": namespace}, "spec": spec}
        for name, spec in specs()
    ]
    command = ("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", "-f", "-")
    taken = Kubectl(installed.kubeconfig)(*command, stdin=yaml.safe_dump_all(sources))
    assert len(taken.splitlines()) == len(sources)
