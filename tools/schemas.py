"""JSON schemas for kubeconform: of Kubernetes, of our CRD and of Prometheus Operator, closed.

Nothing comes from a site of schemas. Those of Kubernetes are made of the OpenAPI description inside the Go module that
the sandbox builds, those of Prometheus Operator of the CRDs inside its Go module.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.processes.process import tail
from sandbox.toolchain.go import ENVIRONMENT, GoError, find_go
from sandbox.toolchain.modules import KUBERNETES, Module
from sandbox.toolchain.persistence import persist
from tools.closed import Schema, closed, definitions, deprecated, resource

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
OUR_CRD = ROOT / "crds" / "appconfigsources.yaml"
MONITORING = Module(
    folder=ROOT / "tools" / "modules" / "prometheus-operator",
    requires="github.com/prometheus-operator/prometheus-operator",
    packages={},
)
MONITORING_KINDS = ("podmonitors", "prometheusrules", "servicemonitors")

LOCATION = "{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json"
"""The name of a file, as kubeconform makes it of a kind. Without a group, its version stands for it."""


def write(folder: Path) -> None:
    """Write the schemas, one file for each kind.

    Parameters
    ----------
    folder
        Where; it exists.

    Raises
    ------
    sandbox.toolchain.go.GoError
        When a Go module is unavailable.
    """
    description = _source(KUBERNETES) / "api" / "openapi-spec" / "swagger.json"
    described: dict[str, Schema] = json.loads(description.read_text(encoding="utf-8"))["definitions"]
    known = definitions(described)
    for name in known:
        kinds = described[name].get("x-kubernetes-group-version-kind", ())
        # Types of many groups, such as DeleteOptions, are no objects that somebody applies.
        if len(kinds) == 1 and not deprecated(described[name]):
            kind = kinds[0]
            api_version = f"{kind['group']}/{kind['version']}".removeprefix("/")
            _save(folder, resource(known[name], api_version, kind["kind"], known))
    for crd in (OUR_CRD, *monitoring_crds()):
        for schema in _of_crd(yaml.load(crd.read_text(encoding="utf-8"), yaml.CSafeLoader), known):
            _save(folder, schema)


def monitoring_crds() -> list[Path]:
    """Give the CRDs of Prometheus Operator that the chart has objects of.

    Returns
    -------
    list of pathlib.Path
        Their files.
    """
    folder = _source(MONITORING) / "example" / "prometheus-operator-crd"
    return [folder / f"monitoring.coreos.com_{plural}.yaml" for plural in MONITORING_KINDS]


def _of_crd(crd: dict[str, Any], known: dict[str, Schema]) -> Iterator[Schema]:
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    for version in crd["spec"]["versions"]:
        schema = closed(version["schema"]["openAPIV3Schema"])
        yield resource(schema, f"{group}/{version['name']}", kind, known)


def _save(folder: Path, schema: Schema) -> None:
    api_version, kind = (schema["properties"][name]["const"] for name in ("apiVersion", "kind"))
    group, _, version = api_version.rpartition("/")
    path = folder / f"{group or version}_{version}_{kind.lower()}.json"
    path.write_text(json.dumps(schema), encoding="utf-8")


def _source(module: Module) -> Path:
    """Return the folder of a Go module's source, downloaded by Go if it is not there."""
    go = find_go(module.go_mod)
    return persist(lambda: _download(go, module), GoError, f"download of {module.requires}")


def _download(go: Path, module: Module) -> Path:
    done = subprocess.run(
        [go, "mod", "download", "-json", module.requires],
        cwd=module.folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = f"go mod download {module.requires} failed:\n{tail(done.stdout + done.stderr)}"
        raise GoError(message)
    return Path(json.loads(done.stdout)["Dir"])
