"""What a node's programs are told: configuration files, command lines, image archives."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sandbox.kube import command_lines
from sandbox.node import settings
from sandbox.node.archive import Image
from sandbox.node.claim import Claim
from sandbox.node.packages import Programs
from sandbox.node.pods import restricted_pod
from sandbox.processes.hosts import LOCAL, Host

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


def test_tokens_with_and_without_a_group() -> None:
    users = [command_lines.User("admin", "t1", "system:masters"), command_lines.User("system:kube-scheduler", "t2")]
    assert command_lines.token_file(users) == (
        "t1,admin,admin,system:masters\nt2,system:kube-scheduler,system:kube-scheduler\n"
    )


@pytest.fixture
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kube-apiserver", "kube-controller-manager"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("host", "bind", "modes"),
    [(LOCAL, "127.0.0.1", "RBAC"), (Host("10.198.0.1"), "0.0.0.0", "Node,RBAC")],  # noqa: S104 - what it must be
    ids=["loopback", "with a node"],
)
def test_api_server_is_open_only_in_namespaces(host: Host, bind: str, modes: str) -> None:
    command = command_lines.api_server(command_lines.Files(Path("/state")), 6443, 2379, host)
    assert {f"--bind-address={bind}", f"--authorization-mode={modes}", f"--advertise-address={host.address}"} <= set(
        command
    )
    # The kubelet takes none that it cannot know.
    assert ("--kubelet-client-key=/state/kubelet-client.key" in command) is (host is not LOCAL)


def test_commands_run_where_the_host_is() -> None:
    assert Host("10.198.0.1", ("nsenter", "--")).command([Path("/bin/true"), "x"]) == [
        "nsenter",
        "--",
        "/bin/true",
        "x",
    ]
    assert LOCAL.command(["true"]) == ["true"]


def test_no_proxy_is_between_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "localhost")
    environment = Host("10.198.0.1").environment()
    # Programs differ in which of the two they look at first.
    assert (environment["NO_PROXY"], environment["no_proxy"]) == ("*", "*")
    assert environment["PATH"] == os.environ["PATH"]


@pytest.fixture
def archive(tmp_path: Path) -> dict[str, bytes]:
    """The files of an image's archive."""
    program = tmp_path / "program"
    program.write_bytes(b"run me")
    Image("localhost/a:1", {"/bin/a": program}, {"/bin/b": "a"}, ["/bin/a"]).write(tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        return {name: file.read() for name, file in files.items() if file}


def blob(archive: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = archive["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert descriptor["size"] == len(content)
    return content


def test_archive_leads_from_the_name_to_the_files(archive: dict[str, bytes]) -> None:
    assert json.loads(archive["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (named,) = json.loads(archive["index.json"])["manifests"]
    assert named["annotations"] == {"io.containerd.image.name": "localhost/a:1"}
    manifest = json.loads(blob(archive, named))
    config = json.loads(blob(archive, manifest["config"]))
    assert config["config"]["Cmd"] == ["/bin/a"]
    (layer,) = manifest["layers"]
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    with tarfile.open(fileobj=io.BytesIO(blob(archive, layer))) as tar:
        assert (tar.getmember("bin/a").mode, tar.getmember("bin/a").size) == (0o755, 6)
        assert tar.getmember("bin/b").linkname == "a"


def test_pod_mounts_and_takes_what_it_is_told() -> None:
    pod = json.loads(restricted_pod("a", mounts={"/one": "first", "/two": "second"}, variables_from=["third"]))
    (container,) = pod["spec"]["containers"]
    volumes = {volume["name"]: volume["configMap"]["name"] for volume in pod["spec"]["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    assert mounts == {"/one": "first", "/two": "second"}
    assert container["envFrom"] == [{"configMapRef": {"name": "third"}}]
