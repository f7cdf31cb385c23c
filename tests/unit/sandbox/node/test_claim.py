"""Which subnet a node takes, and the cgroups of its name."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import tempfile
import uuid
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from sandbox.node import cgroups
from sandbox.node import claim as module_of_claims
from sandbox.node.claim import Claim, _hold, claim, free_numbers, routed_networks

if TYPE_CHECKING:
    from pathlib import Path

ALL = 512
ROUTES = json.dumps(
    [
        {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
        {"dst": "192.0.2.0/24", "dev": "eth0"},
        {"type": "local", "dst": "192.0.2.2", "dev": "eth0", "table": "local"},
    ]
)
VERSION_1 = """\
tmpfs /sys/fs/cgroup tmpfs rw,relatime 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
proc /proc proc rw 0 0
"""
VERSION_2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n/dev/vda / ext4 rw 0 0\n"


def test_default_routes_lead_everywhere_and_count_for_nothing() -> None:
    assert routed_networks(ROUTES) == [IPv4Network("192.0.2.0/24"), IPv4Network("192.0.2.2/32")]


def test_machine_without_routes() -> None:
    assert routed_networks("") == []


@pytest.mark.parametrize(
    ("routed", "first", "count"),
    [
        ([], 0, ALL),
        (["10.198.0.0/24"], 1, ALL - 1),
        (["10.198.0.77/32", "10.198.2.0/23"], 1, ALL - 3),
        (["10.0.0.0/8"], 256, ALL - 256),
    ],
    ids=["nothing", "another node", "a host, two subnets", "a private network"],
)
def test_subnets_that_lead_elsewhere_are_not_taken(routed: list[str], first: int, count: int) -> None:
    numbers = free_numbers(map(IPv4Network, routed))
    assert (numbers[0], len(numbers)) == (first, count)


def test_nothing_is_free_where_all_is_taken() -> None:
    assert free_numbers([IPv4Network("0.0.0.0/0")]) == []


def test_two_nodes_share_nothing() -> None:
    one, other = Claim(3), Claim(300)
    assert (one.address, one.outer_address) == ("10.198.3.1", "10.198.3.2")
    assert (other.address, other.outer_address) == ("198.18.44.1", "198.18.44.2")
    assert {one.name, one.link}.isdisjoint({other.name, other.link})
    assert len(Claim(ALL - 1).link) <= 15, "the kernel takes no longer name"


def test_a_number_is_had_once_until_it_is_given_back() -> None:
    held = _hold(ALL + 1)
    assert held is not None
    with held:
        assert _hold(ALL + 1) is None
    again = _hold(ALL + 1)
    assert again is not None
    again.close()


@pytest.mark.parametrize(
    ("mounts", "roots"),
    [
        (VERSION_1, ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"]),
        (VERSION_2, ["/sys/fs/cgroup"]),
    ],
    ids=["version 1", "version 2"],
)
def test_hierarchies(mounts: str, roots: list[str]) -> None:
    assert [str(root) for root in cgroups.hierarchies(mounts)] == roots


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders in place of the hierarchies."""
    roots = [tmp_path / "memory", tmp_path / "pids"]
    for root in roots:
        root.mkdir()
    mounts = tmp_path / "mounts"
    mounts.write_text("".join(f"cgroup {root} cgroup rw 0 0\n" for root in roots))
    monkeypatch.setattr(cgroups, "_MOUNTS", mounts)
    return roots


def test_cgroups_come_and_go_in_every_hierarchy(roots: list[Path]) -> None:
    cgroups.create("node-1")
    cgroups.create("other")
    assert cgroups.names("node-") == {"node-1"}
    (roots[0] / "node-1" / "pods" / "a").mkdir(parents=True)

    cgroups.remove("node-1")
    assert [sorted(path.name for path in root.iterdir()) for root in roots] == [["other"], ["other"]]
    cgroups.remove("never-made")


def test_cgroup_that_is_in_use_is_an_error(roots: list[Path]) -> None:
    cgroups.create("node-1")
    # Like a process in it, a file keeps a folder from being removed.
    (roots[1] / "node-1" / "process").touch()
    with pytest.raises(TimeoutError, match="cgroup node-1 empty"):
        cgroups.remove("node-1", 0.1)


@pytest.fixture
def _routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without routes, whose temporary files are the test's."""
    (tmp_path / "ip").write_text("#!/bin/sh\n")
    (tmp_path / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.usefixtures("_routes")
def test_leftovers_go_and_what_cannot_yet_is_passed_over(
    roots: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module_of_claims, "_SWEEP_TIMEOUT", 0.1)
    monkeypatch.setattr(module_of_claims, "PREFIX", f"test-{uuid.uuid4().hex}-")
    dead, dying = Claim(0), Claim(1)
    folders = [tmp_path / f"{left.name}-folder" for left in (dead, dying)]
    for left, folder in zip((dead, dying), folders, strict=True):
        folder.mkdir()
        cgroups.create(left.name)
    (roots[0] / dying.name / "process").touch()

    with claim() as first, claim() as second:
        assert (first.number, second.number) == (0, 2)
    assert [folder.exists() for folder in folders] == [False, True]
    assert cgroups.names(module_of_claims.PREFIX) == {dying.name}
    said = f"sandbox: the next start will remove what a killed node left behind: cgroup {dying.name} empty"
    assert capsys.readouterr().err.count(said) == 2

    (roots[0] / dying.name / "process").unlink()
    with claim() as first, claim() as second:
        assert (first.number, second.number) == (0, 1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("offered", "enabled", "written"),
    [
        ("cpuset cpu io memory hugetlb pids rdma misc", "cpu io memory pids", "+cpuset +hugetlb"),
        ("cpu memory pids", "", "+cpu +memory +pids"),
        ("cpuset cpu memory hugetlb pids", "cpuset cpu memory hugetlb pids", "cpuset cpu memory hugetlb pids"),
    ],
    ids=["systemd's", "a kernel with fewer, none enabled", "all there"],
)
def test_version_2_passes_on_what_the_kubelet_needs(
    offered: str, enabled: str, written: str, roots: list[Path]
) -> None:
    (roots[0] / "cgroup.controllers").write_text(f"{offered}\n")
    control = roots[0] / "cgroup.subtree_control"
    control.write_text(enabled)
    cgroups.create("node-1")
    # The kernel adds what is written; a folder has what was written last.
    assert control.read_text() == written
    assert all((root / "node-1").is_dir() for root in roots)
    assert not (roots[1] / "cgroup.subtree_control").exists()


def test_version_2_that_does_not_pass_it_on_is_an_error(roots: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (roots[0] / "cgroup.controllers").write_text("memory")
    (roots[0] / "cgroup.subtree_control").touch()

    def refuse(_file: Path, _text: str, encoding: str) -> int:
        raise OSError(errno.EBUSY, f"busy in {encoding}")

    monkeypatch.setattr(pathlib.Path, "write_text", refuse)
    with pytest.raises(OSError, match=r"subtree_control does not take \+memory, which the kubelet needs: .*busy"):
        cgroups.create("node-1")
