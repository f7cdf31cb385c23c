"""What Helm makes of the chart."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.kube.helm import Helm, HelmError
from tools.chart import CHART

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

Object = dict[str, Any]

RELEASE = NAMESPACE = "appconfig-operator"
_SUFFIX = "-values.yaml"
CASES = sorted(path.name.removesuffix(_SUFFIX) for path in (CHART / "ci").glob(f"*{_SUFFIX}"))


@functools.cache
def text_of(case: str) -> str:
    """Render the chart with a values file of `ci/`."""
    return Helm()("template", RELEASE, CHART, f"--namespace={NAMESPACE}", f"--values={CHART}/ci/{case}{_SUFFIX}")


def objects_of(case: str) -> list[Object]:
    return parsed(text_of(case))


def render(values: Mapping[str, object], *flags: str, release: str = RELEASE) -> list[Object]:
    """Render the chart with some values."""
    command = ("--values=-", f"--namespace={NAMESPACE}", *flags)
    return parsed(Helm()("template", release, CHART, *command, stdin=yaml.safe_dump(dict(values))))


def refusal(values: Mapping[str, object]) -> str:
    """Render the chart with values that it refuses, and return what the user sees."""
    try:
        render(values)
    except HelmError as error:
        return str(error)
    raise AssertionError("Helm takes these values")


def notes(values: Mapping[str, object]) -> str:
    """Return what the user reads after the installation."""
    command = ("--values=-", f"--namespace={NAMESPACE}", "--dry-run=client")
    said = Helm()("install", RELEASE, CHART, *command, stdin=yaml.safe_dump(dict(values)))
    _, _, text = said.partition("\nNOTES:\n")
    assert text
    return text


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is there twice. Helm and kubectl take the last one, and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as PyYAML has it
        keys = [key.value for key, _ in node.value]
        assert len(set(keys)) == len(keys), f"a key is there twice: {keys}{node.start_mark}"
        return super().construct_mapping(node, deep)


def parsed(text: str) -> list[Object]:
    return [item for item in yaml.load_all(text, _Loader) if item is not None]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [item for item in objects if item["kind"] == kind]


def one(objects: list[Object], kind: str) -> Object:
    (found,) = of_kind(objects, kind)
    return found


def pod(objects: list[Object]) -> Object:
    template: Object = one(objects, "Deployment")["spec"]["template"]
    return template


def container(objects: list[Object]) -> Object:
    (found,) = pod(objects)["spec"]["containers"]
    return dict(found)


def leaves(values: object, path: str = "") -> set[str]:
    """Return the paths of all values: maps that are not empty are no values, all else is."""
    if isinstance(values, dict) and values:
        return set().union(*(leaves(child, f"{path}.{name}".removeprefix(".")) for name, child in values.items()))
    return {path}
