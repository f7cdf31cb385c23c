"""The command lines of the control plane, and the files they name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.kube.audit import POLICY
from sandbox.processes.hosts import LOCAL, Host
from sandbox.processes.ports import LOOPBACK
from sandbox.toolchain.provision import program

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SERVICES = "10.0.0.0/24"
KUBERNETES_SERVICE, KUBERNETES_PORT = "10.0.0.1", 443
"""The Service ``kubernetes`` has the first address of those of Services, and this port."""

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a network namespace of its own


@dataclass(frozen=True)
class Files:
    """Where the programs keep what they share."""

    folder: Path

    @property
    def certificates(self) -> Path:
        """Where the API server puts the certificate that it makes for itself."""
        return self.folder / "certificates"

    @property
    def ca(self) -> Path:
        """The certificate of the API server with the one of its issuer."""
        return self.certificates / "apiserver.crt"

    @property
    def service_account_key(self) -> Path:
        """The key that signs the tokens of ServiceAccounts."""
        return self.folder / "service-account.key"

    @property
    def tokens(self) -> Path:
        """Who has which token."""
        return self.folder / "tokens.csv"

    @property
    def kubelet_client(self) -> Path:
        """The certificate by which the kubelet knows the API server."""
        return self.folder / "kubelet-client.crt"

    @property
    def kubelet_client_key(self) -> Path:
        """Its key."""
        return self.folder / "kubelet-client.key"

    @property
    def audit_policy(self) -> Path:
        """What is logged."""
        return self.folder / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        """Where it is logged."""
        return self.folder / "audit.jsonl"

    def write_audit_policy(self) -> None:
        """Write the file that says what is logged."""
        self.audit_policy.write_text(json.dumps(POLICY, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class User:
    """Somebody who may ask the API server, by a token."""

    name: str
    token: str
    group: str = ""

    @property
    def line(self) -> str:
        """The line of ``--token-auth-file``: token, user, user id, groups."""
        return f"{self.token},{self.name},{self.name},{self.group}".removesuffix(",")


def token_file(users: Iterable[User]) -> str:
    """Say who has which token.

    Parameters
    ----------
    users
        All of them.

    Returns
    -------
    str
        The content of the file for ``--token-auth-file``.
    """
    return "".join(f"{user.line}\n" for user in users)


def etcd(files: Files, port: int, peer_port: int) -> list[str]:
    """Give the command line of etcd.

    Parameters
    ----------
    files
        Where the data goes.
    port, peer_port
        Its ports.

    Returns
    -------
    list of str
        The program and its arguments.
    """
    client, peer = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{peer_port}"
    return [
        str(program("etcd")),
        f"--data-dir={files.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        # Nobody needs the data after a crash of this machine.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _alone() -> list[str]:
    # The Service "kubernetes" cannot have a loopback address as its endpoint, so it gets none.
    return [f"--bind-address={LOOPBACK}", "--endpoint-reconciler-type=none", "--authorization-mode=RBAC"]


def _with_node(files: Files) -> list[str]:
    return [
        # Pods reach it at the address of its Service, the kubelet at the node's.
        f"--bind-address={_EVERYWHERE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        # Who may have such a Pod is for Pod Security to say, as in clusters that people use.
        "--allow-privileged",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={files.kubelet_client}",
        f"--kubelet-client-key={files.kubelet_client_key}",
    ]


def api_server(files: Files, port: int, etcd_port: int, host: Host = LOCAL) -> list[str]:
    """Give the command line of the API server.

    Parameters
    ----------
    files
        Its files.
    port, etcd_port
        Its port and etcd's.
    host
        Where it runs. One that is not this machine's loopback interface may have a node.

    Returns
    -------
    list of str
        The program and its arguments.
    """
    return [
        str(program("kube-apiserver")),
        f"--etcd-servers=http://{LOOPBACK}:{etcd_port}",
        f"--secure-port={port}",
        f"--cert-dir={files.certificates}",
        f"--advertise-address={host.address}",
        *(_alone() if host == LOCAL else _with_node(files)),
        f"--service-cluster-ip-range={SERVICES}",
        f"--token-auth-file={files.tokens}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files.service_account_key}",
        f"--service-account-signing-key-file={files.service_account_key}",
        f"--audit-policy-file={files.audit_policy}",
        f"--audit-log-path={files.audit_log}",
        # No rotation: the log is read as one file.
        "--audit-log-maxsize=0",
        # Tests on few cores are to be limited by the cores.
        "--enable-priority-and-fairness=false",
        "--profiling=false",
    ]


def controllers(files: Files, port: int, kubeconfig: Path, host: Host = LOCAL) -> list[str]:
    """Give the command line of the controller manager.

    Parameters
    ----------
    files
        Its files.
    port
        Where it says how it is.
    kubeconfig
        Its access to the API server.
    host
        Where it runs.

    Returns
    -------
    list of str
        The program and its arguments.
    """
    return [
        str(program("kube-controller-manager")),
        f"--kubeconfig={kubeconfig}",
        f"--bind-address={host.address}",
        f"--secure-port={port}",
        f"--cert-dir={files.folder / 'controllers'}",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={files.service_account_key}",
        f"--root-ca-file={files.ca}",
        # The defaults (20 and 30) make a namespace with a few hundred objects slow to delete.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--controller-shutdown-timeout=100ms",
        "--profiling=false",
    ]
