"""The configuration files of a node's programs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from sandbox.node import settings
from sandbox.node.claim import Claim
from sandbox.node.packages import Programs

FOLDERS = settings.Folders(Path("/state"))
PROGRAMS = Programs(Path("/a/busybox"), Path("/b"), Path("/c/cni"), Path("/d/runc"))


def test_containerd_keeps_all_in_its_folder() -> None:
    configuration = tomllib.loads(settings.containerd(FOLDERS, PROGRAMS))
    assert configuration["version"] == 2
    assert configuration["grpc"]["address"] == "/state/containerd.sock"
    runtime = configuration["plugins"]["io.containerd.grpc.v1.cri"]
    assert runtime["sandbox_image"] == settings.PAUSE_IMAGE
    assert runtime["cni"]["conf_dir"] == str(FOLDERS.network)
    assert runtime["disable_apparmor"] is True
    for name in ("root", "state"):
        assert configuration[name].startswith("/state/")


def test_containerd_starts_what_was_unpacked_for_it() -> None:
    configuration = tomllib.loads(settings.containerd(FOLDERS, PROGRAMS))
    runtime = configuration["plugins"]["io.containerd.grpc.v1.cri"]
    assert runtime["cni"]["bin_dir"] == "/c/cni"
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["BinaryName"] == "/d/runc"


def test_pods_get_addresses_that_nobody_else_has() -> None:
    (plugin,) = json.loads(settings.network(Claim(7)))["plugins"]
    ((addresses,),) = plugin["ipam"]["ranges"]
    assert addresses == {
        "subnet": "10.198.7.0/24",
        "rangeStart": "10.198.7.10",
        "rangeEnd": "10.198.7.250",
        "gateway": "10.198.7.1",
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "1s"), (0.5, "0.5s"), (None, None)], ids=["a second", "half", "the kubelet's default"]
)
def test_kubelet_looks_as_often_as_asked(seconds: float | None, text: str | None) -> None:
    configuration = json.loads(settings.kubelet(FOLDERS, Claim(7), Path("/api.crt"), seconds))
    assert configuration.get("syncFrequency") == text
    assert configuration["cgroupRoot"] == f"/{Claim(7).name}"
    assert configuration["authentication"]["anonymous"] == {"enabled": False}
    assert configuration["authentication"]["x509"] == {"clientCAFile": "/api.crt"}
