"""Versions and keys of what is built."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.toolchain.modules import ETCD, KUBERNETES, MODULES, Module, required_version

if TYPE_CHECKING:
    from pathlib import Path

GO_MOD = """module example.org/x

go 1.26.0

require (
\tgo.etcd.io/etcd/client/v3 v3.1.0 // indirect
\tgo.etcd.io/etcd/server/v3 v3.6.6 // indirect
)

replace go.etcd.io/raft/v3 => go.etcd.io/raft/v3 v3.6.0
"""


@pytest.fixture
def module(tmp_path: Path) -> Module:
    (tmp_path / "go.mod").write_text(GO_MOD)
    (tmp_path / "go.sum").write_text("sum")
    return Module(tmp_path, "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"})


def test_version_is_the_required_one(module: Module) -> None:
    assert module.version == "v3.6.6"


def test_version_on_a_require_line_of_its_own() -> None:
    assert required_version("require example.org/a v1.2.3\n", "example.org/a") == "v1.2.3"


def test_version_of_a_module_that_is_only_replaced_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not require"):
        required_version(GO_MOD, "go.etcd.io/raft/v3")


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_key_changes_with_each_file(module: Module, name: str) -> None:
    before = module.key
    with (module.folder / name).open("a") as file:
        file.write("\n")
    assert module.key != before


def test_key_changes_with_the_flags(module: Module, tmp_path: Path) -> None:
    text = GO_MOD.replace("go.etcd.io/etcd/server/v3 v3.6.6", "go.etcd.io/etcd/server/v3 v3.6.6\n\tk8s.io/x v1.2.3")
    (tmp_path / "go.mod").write_text(text)
    assert replace(module, stamped=True).key != module.key


def test_key_is_stable_and_says_the_version(module: Module) -> None:
    assert module.key == replace(module).key
    assert module.key.startswith(f"{module.folder.name}-v3.6.6-")


@pytest.mark.parametrize(
    ("module_of", "program", "name"),
    [(ETCD, "etcd", "server"), (KUBERNETES, "kube-apiserver", "kube-apiserver")],
    ids=["major version at the end", "plain"],
)
def test_built_name(module_of: Module, program: str, name: str) -> None:
    assert module_of.built_name(program) == name


def test_kubernetes_is_stamped_with_its_version() -> None:
    flags = " ".join(KUBERNETES.flags)
    assert f"-X k8s.io/component-base/version.gitVersion={KUBERNETES.version}" in flags
    assert "-X k8s.io/component-base/version.gitMinor=36" in flags


def test_our_modules_name_the_packages_as_tools() -> None:
    for module_of in MODULES:
        for package in module_of.packages.values():
            assert package in module_of.go_mod.split("require (")[0]
