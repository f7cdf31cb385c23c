"""Admission policies that refuse, and quote what they refuse."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox import wait_until
from sandbox.kube.rest import RestError
from tests.e2e.support.scene import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.support.scene import Scene

VERSION = "admissionregistration.k8s.io/v1"
KIND = "ValidatingAdmissionPolicy"
BASE = f"/apis/{VERSION}/validatingadmissionpolic"

Probe = tuple[str, str, object]
"""Method, path and body of a write that the policy is to refuse."""


def _refused(scene: Scene, probe: Probe) -> bool:
    method, path, body = probe
    try:
        scene.api.request(method, f"{path}?dryRun=All", body)
    except RestError as error:
        return "denied request" in str(error)
    return False


@contextmanager
def denying(scene: Scene, *, group: str, resource: str, quote: str, probe: Probe) -> Iterator[str]:
    """Refuse writes of a resource in a namespace, with HTTP 422 and no causes with a reason. Gives the policy's name.

    Parameters
    ----------
    scene
        Where.
    group, resource
        What.
    quote
        CEL: what of the object is quoted in the refusal.
    probe
        Returns whether it is in force. It writes nothing.
    """
    name = f"{scene.namespace}.example.com"
    metadata = {"name": name}
    rules = {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
    validation = {"expression": "false", "messageExpression": f"'it has ' + {quote}", "reason": "Invalid"}
    spec = {"matchConstraints": {"resourceRules": [rules]}, "validations": [validation]}
    binding = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}},
        },
    }
    policy = {"apiVersion": VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
    bound = {"apiVersion": VERSION, "kind": f"{KIND}Binding", "metadata": metadata, "spec": binding}
    scene.api.json("POST", f"{BASE}ies", policy)
    scene.api.json("POST", f"{BASE}ybindings", bound)
    try:
        wait_until(lambda: _refused(scene, probe), 2 * TIMEOUT, "the policy in force")
        yield name
    finally:
        for path in (f"{BASE}ybindings/{name}", f"{BASE}ies/{name}"):
            scene.api.request("DELETE", path)
