"""What kustomize has made, as the tests look at it."""

from __future__ import annotations

from typing import Any

import yaml

Object = dict[str, Any]


def objects_of(text: str) -> dict[str, Object]:
    """Return the objects by kind and name, each once."""
    objects = [item for item in yaml.safe_load_all(text) if item]
    named = {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}
    assert len(named) == len(objects)
    return named


def rights_of(role: Object) -> dict[str, list[str]]:
    """Return the verbs by group and resource."""
    return {
        f"{group or 'core'}/{resource}": sorted(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def container_of(deployment: Object) -> Object:
    """Return the only container."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container
