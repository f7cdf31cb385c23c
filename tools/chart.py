"""``python -m tools.chart``: generate what the chart takes from the rest of the tree; ``--check`` reports stale files.

The rules come from `manifests/`, the CRD from `crds/`, the alerts from `docs/metrics.md`, and the version from
`pyproject.toml`. helm-docs generates the README from the values.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.toolchain.provision import program

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts" / "appconfig-operator"

_HEADER = "# Made by `make chart` from {}. Do not edit.\n"
_COMPONENTS = "manifests/components/identities"


def crd() -> str:
    """Generate the CRD of the chart, from the one in `crds/`."""
    source = "crds/appconfigsources.yaml"
    return _HEADER.format(source) + _dump(yaml.safe_load(_read(source)))


def rules() -> str:
    """Generate the rules of the chart's roles, by purpose."""
    base, users = "manifests/base/rbac.yaml", "manifests/user-roles/roles.yaml"
    cluster = _rules_of(base, "ClusterRole")
    made = {
        "sources": [rule for rule in cluster if rule["resources"] != ["leases"]],
        "others": [rule for rule in cluster if rule["resources"] == ["leases"]],
        "own": _rules_of(base, "Role"),
        "serviceAccounts": _rules_of(f"{_COMPONENTS}/service-accounts/rbac.yaml", "ClusterRole"),
        "secrets": _rules_of(f"{_COMPONENTS}/secrets/rbac.yaml", "ClusterRole"),
        "view": _rules_of(users, "ClusterRole", "appconfig-operator-view"),
        "edit": _rules_of(users, "ClusterRole", "appconfig-operator-edit"),
    }
    return _HEADER.format(f"{base}, {_COMPONENTS}/*/rbac.yaml and {users}") + _dump(made)


def alerts() -> str:
    """Generate the rules of the PrometheusRule."""
    source = "docs/metrics.md"
    blocks = re.findall(r"^```yaml\n(groups:\n.*?)^```$", _read(source), re.DOTALL | re.MULTILINE)
    (block,) = blocks
    return _HEADER.format(source) + _dump(yaml.safe_load(block))


def metadata() -> str:
    """Generate `Chart.yaml`, with the versions of the operator."""
    version: str = tomllib.loads(_read("pyproject.toml"))["project"]["version"]
    text = (CHART / "Chart.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^version: .*$", f"version: {version}", text, flags=re.MULTILINE)
    return re.sub(r"^appVersion: .*$", f'appVersion: "{version}"', text, flags=re.MULTILINE)


def readme() -> str:
    """Generate the README of the chart.

    Raises
    ------
    RuntimeError
        If helm-docs fails, for example because of a mistake in the template.
    """
    command = [str(program("helm-docs")), f"--chart-search-root={CHART}", "--dry-run", "--log-level=warning"]
    command += ["--sort-values-order=file"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0 or done.stderr:
        message = f"helm-docs: {done.stderr.strip()}"
        raise RuntimeError(message)
    return done.stdout.strip() + "\n"


# In this order: helm-docs reads Chart.yaml.
MADE: dict[str, Callable[[], str]] = {
    "Chart.yaml": metadata,
    "files/crd.yaml": crd,
    "files/rules.yaml": rules,
    "files/alerts.yaml": alerts,
    "README.md": readme,
}
"""The generated files, by their paths in the chart."""


def stale() -> list[str]:
    """Return the files that are not up to date."""
    return [path for path, make in MADE.items() if not (CHART / path).exists() or _of_chart(path) != make()]


def write() -> None:
    """Generate all of them."""
    for path, make in MADE.items():
        (CHART / path).write_text(make(), encoding="utf-8")


def _of_chart(path: str) -> str:
    return (CHART / path).read_text(encoding="utf-8")


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _rules_of(path: str, kind: str, name: str | None = None) -> list[dict[str, Any]]:
    roles = [document for document in yaml.safe_load_all(_read(path)) if document["kind"] == kind]
    (role,) = (role for role in roles if name in {None, role["metadata"]["name"]})
    rules: list[dict[str, Any]] = role["rules"]
    return rules


def _dump(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=110, allow_unicode=True)


def main(arguments: list[str]) -> int:
    """Run the command line, and return its exit status."""
    if arguments == ["--check"]:
        for path in (found := stale()):
            sys.stderr.write(f"{(CHART / path).relative_to(ROOT)} is stale: run make chart\n")
        return 1 if found else 0
    if arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
