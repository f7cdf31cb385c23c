"""Where programs are looked for, in which order, and when they are built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.toolchain import provision
from sandbox.toolchain.modules import ETCD, GROUPS, HELM, KUBERNETES, MODULES, Module

if TYPE_CHECKING:
    from collections.abc import Mapping


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a build that only notes what it was asked for in place of the real one."""
    asked: list[str] = []

    def build(_module: Module, programs: list[str], folder: Path) -> None:
        asked.extend(programs)
        put(folder, *programs)

    monkeypatch.setattr(provision, "build", build)
    return asked


@pytest.mark.parametrize(
    ("environment", "base"),
    [
        ({"XDG_CACHE_HOME": "/c"}, Path("/c")),
        ({}, Path.home() / ".cache"),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache"),
    ],
    ids=["named", "default", "relative"],
)
def test_cache_folder(environment: Mapping[str, str], base: Path) -> None:
    assert provision.cache_folder(environment) == base / "appconfig-operator" / "programs"


def test_assets_come_before_the_cache(tmp_path: Path, environment: dict[str, str]) -> None:
    put(provision.cache_folder(environment) / ETCD.key, "etcd")
    environment["KUBEBUILDER_ASSETS"] = str(put(tmp_path / "assets", "etcd"))
    assert provision.find(ETCD, "etcd", environment) == tmp_path / "assets" / "etcd"


def test_what_the_assets_lack_comes_from_the_cache(tmp_path: Path, environment: dict[str, str]) -> None:
    environment["KUBEBUILDER_ASSETS"] = str(put(tmp_path / "assets", "etcd"))
    cached = put(provision.cache_folder(environment) / KUBERNETES.key, "kube-controller-manager")
    found = provision.find(KUBERNETES, "kube-controller-manager", environment)
    assert found == cached / "kube-controller-manager"


def test_another_key_is_not_taken(environment: dict[str, str]) -> None:
    put(provision.cache_folder(environment) / "etcd-v3.6.6-000000000000", "etcd")
    assert provision.find(ETCD, "etcd", environment) is None


def test_all_is_built_once(environment: dict[str, str], built: list[str]) -> None:
    programs = provision.ensure_programs(environment)
    assert built == ["etcd", "kube-apiserver", "kube-controller-manager"]
    assert all(path.exists() for path in programs.values())
    assert provision.ensure_programs(environment) == programs
    assert len(built) == 3


def test_what_is_for_something_else_is_not_built(environment: dict[str, str], built: list[str]) -> None:
    assert list(provision.ensure_programs(environment, GROUPS["checks"])) == ["helm", "helm-docs", "actionlint"]
    assert built == ["helm", "helm-docs", "actionlint"]


def test_one_program_is_built_alone(built: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    assert provision.program("helm") == tmp_path / "appconfig-operator" / "programs" / HELM.key / "helm"
    assert built == ["helm"]


def test_only_what_is_missing_is_built(environment: dict[str, str], built: list[str]) -> None:
    there = put(provision.cache_folder(environment) / KUBERNETES.key, "kube-apiserver")
    programs = provision.ensure_programs(environment)
    assert built == ["etcd", "kube-controller-manager"]
    assert programs["kube-apiserver"] == there / "kube-apiserver"


def test_assets_spare_the_build_of_the_control_plane(
    tmp_path: Path, environment: dict[str, str], built: list[str]
) -> None:
    names = ["etcd", "kube-apiserver", "kube-controller-manager"]
    environment["KUBEBUILDER_ASSETS"] = str(put(tmp_path / "assets", *names))
    programs = provision.ensure_programs(environment)
    assert programs == {name: tmp_path / "assets" / name for name in names}
    assert list(provision.ensure_programs(environment, [HELM])) == built == ["helm"]


def test_assets_that_lack_a_program_are_an_error(tmp_path: Path, environment: dict[str, str], built: list[str]) -> None:
    """envtest itself has no kube-controller-manager."""
    environment["KUBEBUILDER_ASSETS"] = str(put(tmp_path / "assets", "etcd", "kube-apiserver", "kubectl"))
    with pytest.raises(FileNotFoundError, match=r"assets, where kube-controller-manager v[\d.]+ is missing"):
        provision.ensure_programs(environment)
    assert built == []


def test_assets_may_be_relative(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "assets", "etcd")
    monkeypatch.chdir(tmp_path)
    assert provision.find(ETCD, "etcd", {**environment, "KUBEBUILDER_ASSETS": "assets"}) == tmp_path / "assets" / "etcd"


def test_a_build_that_fails_leaves_nothing(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def build(_module: Module, programs: list[str], folder: Path) -> None:
        put(folder, *programs)
        message = "no"
        raise RuntimeError(message)

    monkeypatch.setattr(provision, "build", build)
    with pytest.raises(RuntimeError):
        provision.ensure_programs(environment)
    assert all(provision.find(module, name, environment) is None for module in MODULES for name in module.packages)
    assert not list(provision.cache_folder(environment).glob("build-*"))
