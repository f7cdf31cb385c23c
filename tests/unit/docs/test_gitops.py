"""The health check for Argo CD in docs/gitops.md, run by the Lua version that Argo CD has, without its libraries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

PAGE = Path(__file__).parents[3] / "docs" / "gitops.md"
KEY = "resource.customizations.health.appconfig-operator.io_AppConfigSource"


def script() -> str:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    manifests = [manifest for block in blocks for manifest in yaml.safe_load_all(block)]
    (found,) = [manifest["data"][KEY] for manifest in manifests if manifest["kind"] == "ConfigMap"]
    return str(found)


def health(source: dict[str, Any]) -> tuple[str, str]:
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    # Argo CD opens no library but the base and the tables.
    lua.execute("os, io, string, math, debug, package, require = nil")
    lua.globals().obj = lua.table_from(source, recursive=True)
    found = lua.execute(script())
    return found.status, found.message


def source(*conditions: tuple[str, str, str], seen: int = 2, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "checkout", "generation": 2},
        "spec": {"application": "shop", **spec},
        "status": {
            "observedGeneration": seen,
            "conditions": [
                {"type": kind, "status": status, "reason": reason, "message": "What is to be known."}
                for kind, status, reason in conditions
            ],
        },
    }


NEW = "The operator has not seen this generation yet."
READY = ("Ready", "True", "Synced")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (source(READY), ("Healthy", "Synced: What is to be known.")),
        (
            source(("Ready", "False", "NotFound"), ("Stalled", "True", "NotFound")),
            ("Degraded", "NotFound: What is to be known."),
        ),
        (
            source(("Stalled", "True", "NotFound"), ("Ready", "False", "NotFound")),
            ("Degraded", "NotFound: What is to be known."),
        ),
        (
            source(("Ready", "False", "Throttled"), ("Reconciling", "True", "Throttled")),
            ("Progressing", "Throttled: What is to be known."),
        ),
        (source(("Ready", "False", "NotDeployed")), ("Progressing", "NotDeployed: What is to be known.")),
        (source(("Ready", "Unknown", "Progressing")), ("Progressing", "Progressing: What is to be known.")),
        (source(READY, seen=1), ("Progressing", NEW)),
        (source(("Ready", "False", "NotFound"), ("Stalled", "True", "NotFound"), seen=1), ("Progressing", NEW)),
        (source(seen=-1), ("Progressing", NEW)),
        (source(), ("Progressing", NEW)),
        ({"metadata": {"generation": 1}, "spec": {}}, ("Progressing", NEW)),
        ({"metadata": {"generation": 1}, "spec": {}, "status": {"observedGeneration": 1}}, ("Progressing", NEW)),
        (source(READY, suspend=False), ("Healthy", "Synced: What is to be known.")),
        (
            source(READY, seen=1, suspend=True),
            ("Suspended", "spec.suspend is set: AppConfig is not called, and nothing changes."),
        ),
    ],
    ids=[
        "ready",
        "stalled",
        "stalled, in another order",
        "tried again",
        "nothing deployed",
        "no poll has succeeded",
        "ready before the change",
        "stalled before the change",
        "never seen",
        "no condition",
        "no status",
        "no conditions",
        "not suspended",
        "suspended",
    ],
)
def test_health_in_argo_cd(given: dict[str, Any], expected: tuple[str, str]) -> None:
    assert health(given) == expected
