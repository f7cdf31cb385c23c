"""What the programs of a control plane are started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.kube import command_lines
from sandbox.processes.hosts import LOCAL, Host


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
