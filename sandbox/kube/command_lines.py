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
"""The Service ``kubernetes`` has the first address in the range of Services, and this port."""

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a network namespace of its own


@dataclass(frozen=True)
class Files:
    """The files that the programs share."""

    folder: Path

    @property
    def certificates(self) -> Path:
        """The folder for the certificate that the API server creates for itself."""
        return self.folder / "certificates"

    @property
    def ca(self) -> Path:
        """The certificate of the API server, together with that of its issuer."""
        return self.certificates / "apiserver.crt"

    @property
    def service_account_key(self) -> Path:
        """The key that signs the tokens of ServiceAccounts."""
        return self.folder / "service-account.key"

    @property
    def tokens(self) -> Path:
        """The file that maps tokens to users."""
        return self.folder / "tokens.csv"

    @property
    def kubelet_client(self) -> Path:
        """The certificate by which the kubelet recognizes the API server."""
        return self.folder / "kubelet-client.crt"

    @property
    def kubelet_client_key(self) -> Path:
        """Its key."""
        return self.folder / "kubelet-client.key"

    @property
    def audit_policy(self) -> Path:
        """The audit policy."""
        return self.folder / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        """The audit log."""
        return self.folder / "audit.jsonl"

    def write_audit_policy(self) -> None:
        """Write the audit policy."""
        self.audit_policy.write_text(json.dumps(POLICY, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class User:
    """A user of the API server, with a token."""

    name: str
    token: str
    group: str = ""

    @property
    def line(self) -> str:
        """The line of ``--token-auth-file``: token, user, user id, groups."""
        return f"{self.token},{self.name},{self.name},{self.group}".removesuffix(",")


def token_file(users: Iterable[User]) -> str:
    """Write the list of users and tokens.

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
    """Return the command line of etcd.

    Parameters
    ----------
    files
        The files. They name the folder for the data.
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
        # The data is not needed after a crash of this machine.
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
        # Pod Security decides who can have such a Pod, as in real clusters.
        "--allow-privileged",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={files.kubelet_client}",
        f"--kubelet-client-key={files.kubelet_client_key}",
    ]


def api_server(files: Files, port: int, etcd_port: int, host: Host = LOCAL) -> list[str]:
    """Return the command line of the API server.

    Parameters
    ----------
    files
        Its files.
    port, etcd_port
        Its port and etcd's.
    host
        Where it runs. Only hosts other than this machine's loopback interface can have a node.

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
        # On few cores, only the cores should limit the tests.
        "--enable-priority-and-fairness=false",
        "--profiling=false",
    ]


def controllers(files: Files, port: int, kubeconfig: Path, host: Host = LOCAL) -> list[str]:
    """Return the command line of the controller manager.

    Parameters
    ----------
    files
        Its files.
    port
        The port of its health endpoint.
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
        # With the defaults (20 and 30), deleting a namespace with a few hundred objects is slow.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--controller-shutdown-timeout=100ms",
        "--profiling=false",
    ]
