"""A Kubernetes control plane on this machine: etcd, kube-apiserver and kube-controller-manager, real and disposable."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sandbox.kube import command_lines
from sandbox.kube.audit import Request, read_requests
from sandbox.kube.keys import ec_private_key, write_client_certificate, write_private
from sandbox.kube.kubeconfig import write_kubeconfig
from sandbox.kube.metrics import RequestCount, parse_request_total
from sandbox.kube.rest import Rest
from sandbox.processes.hosts import LOCAL, Host
from sandbox.processes.ports import free_ports
from sandbox.processes.process import Process
from sandbox.processes.started import Started
from sandbox.processes.stopwatch import Stopwatch
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

_ADMIN = "admin"
_CONTROLLERS = "system:kube-controller-manager"

# As in kubeadm, in the group that is allowed to do anything.
_KUBELET_CLIENT = ("kube-apiserver-kubelet-client", "system:masters")

_DEFAULT_DURATION = timedelta(hours=1)
_READY_TIMEOUT = 60.0

# With open watches, it takes up to a minute to stop. Everything that it has confirmed is in etcd, so it can be killed.
_API_SERVER_STOP_TIMEOUT = 1.0


class ControlPlane(Started):
    """A control plane as a context manager: ready inside, gone afterwards.

    Ready means that the API server and the controllers are, and that the namespace ``default`` has its ServiceAccount.
    There is no scheduler and no node: Pods stay pending. etcd has no password: other users of this machine can reach
    it, so nothing secret belongs in here.

    Two delays are inherent in Kubernetes, and cannot be configured: a namespace is gone no sooner than 5 s after its
    deletion, and the garbage collector looks for new kinds every 30 s, so objects that are owned by an object of a new
    kind can outlive it by that long (`restart_controllers` makes it look at once).

    Parameters
    ----------
    folder
        The folder for keys, data and logs; it must be empty, and it is kept. Default: a temporary folder of the host,
        which is removed.
    host
        Where it runs. Default: this machine.
    components
        Other components that get a token and a kubeconfig, such as the scheduler: their users, with groups.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        host: Host = LOCAL,
        components: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._host = host
        self._components = dict(components or {})
        self.stopwatch = Stopwatch()
        """How long each stage of its start took."""

    def _start(self, stack: ExitStack) -> None:
        self.folder = self._folder or self._host.temporary_folder("kubernetes", stack)
        etcd_port, peer_port, api_port, controllers_port = free_ports(4)
        host, files = self._host, command_lines.Files(self.folder)
        if host != LOCAL:
            api_port = command_lines.KUBERNETES_PORT
            write_client_certificate(files.kubelet_client, files.kubelet_client_key, *_KUBELET_CLIENT)
        self.url = f"https://{host.address}:{api_port}"
        self.ca_file = files.ca
        self._audit_log = files.audit_log
        self._write_files(files)

        controllers = Rest(f"https://{host.address}:{controllers_port}", ca_file=None)
        environment = host.environment()
        self.etcd = Process(
            "etcd", host.command(command_lines.etcd(files, etcd_port, peer_port)), self.folder, environment=environment
        )
        self.api_server = Process(
            "kube-apiserver",
            host.command(command_lines.api_server(files, api_port, etcd_port, host)),
            self.folder,
            environment=environment,
            ready=lambda: self.admin.request("GET", "/readyz") == "ok",
            ready_timeout=_READY_TIMEOUT,
            stop_timeout=_API_SERVER_STOP_TIMEOUT,
        )
        self.controllers = Process(
            "kube-controller-manager",
            host.command(command_lines.controllers(files, controllers_port, self.kubeconfigs[_CONTROLLERS], host)),
            self.folder,
            environment=environment,
            ready=lambda: controllers.request("GET", "/healthz") == "ok",
            ready_timeout=_READY_TIMEOUT,
        )
        with self.stopwatch.stage("API server ready"):
            # The API server itself waits for etcd.
            stack.enter_context(self.etcd)
            stack.enter_context(self.api_server)
        with self.stopwatch.stage("controllers ready"):
            stack.enter_context(self.controllers)
        with self.stopwatch.stage("default ServiceAccount"):
            for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt"):
                there = partial(self.admin.exists, f"/api/v1/namespaces/default/{path}")
                wait_until(there, _READY_TIMEOUT, f"{path} of the namespace default")

    def _write_files(self, files: command_lines.Files) -> None:
        groups = {_ADMIN: "system:masters", _CONTROLLERS: "", **self._components}
        users = [command_lines.User(name, secrets.token_urlsafe(32), group) for name, group in groups.items()]
        write_private(files.service_account_key, ec_private_key())
        write_private(files.tokens, command_lines.token_file(users))
        files.write_audit_policy()
        self.admin = Rest(self.url, self.ca_file, users[0].token)
        """Makes requests as the administrator."""
        self.kubeconfigs = {user.name: self.kubeconfig_for(user.name.rpartition(":")[2], user.token) for user in users}
        self.kubeconfig = self.kubeconfigs[_ADMIN]

    @property
    def processes(self) -> list[Process]:
        """Its programs, in the order of their start."""
        return [self.etcd, self.api_server, self.controllers]

    def stop_api_server(self) -> None:
        """Stop the API server, to test an outage. Its data stays in etcd."""
        self.api_server.stop()

    def start_api_server(self) -> None:
        """Start the API server again, on the same port and with the same certificate, and wait until it is ready."""
        self.api_server.start()

    def restart_controllers(self) -> None:
        """Restart the controllers, so that the garbage collector knows the kinds that were added since."""
        self.controllers.stop()
        self.controllers.start()

    def kubeconfig_for(self, name: str, token: str) -> Path:
        """Write a kubeconfig.

        Parameters
        ----------
        name
            The name of the user, only for the name of the file.
        token
            The token of the user.

        Returns
        -------
        pathlib.Path
            The file, in `folder`.
        """
        return write_kubeconfig(self.folder / f"{name}.kubeconfig", self.url, self.ca_file, token)

    def service_account_token(
        self, namespace: str, name: str, duration: timedelta = _DEFAULT_DURATION, audience: str | None = None
    ) -> str:
        """Request a token for a ServiceAccount through the TokenRequest API.

        Parameters
        ----------
        namespace, name
            The ServiceAccount, which must exist.
        duration
            How long the token is valid; at least 10 minutes.
        audience
            Its audience. Default: the API server.

        Returns
        -------
        str
            The token.
        """
        spec: dict[str, object] = {"expirationSeconds": int(duration.total_seconds())}
        if audience is not None:
            spec["audiences"] = [audience]
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        return str(self.admin.json("POST", path, request)["status"]["token"])

    def service_account_kubeconfig(self, namespace: str, name: str, duration: timedelta = _DEFAULT_DURATION) -> Path:
        """Write a kubeconfig for a ServiceAccount. Parameters: as `service_account_token`."""
        return self.kubeconfig_for(f"{namespace}-{name}", self.service_account_token(namespace, name, duration))

    def request_total(self) -> list[RequestCount]:
        """Read the number of requests to the API server since its start, including those of the controllers.

        Returns
        -------
        list of RequestCount
            The samples of ``apiserver_request_total``.
        """
        return parse_request_total(self.admin.request("GET", "/metrics"))

    def requests_of(self, user: str | None = None) -> list[Request]:
        """Read from the audit log who requested what.

        Parameters
        ----------
        user
            Such as ``system:serviceaccount:<namespace>:<name>``, or ``admin``. Default: all except the control plane.

        Returns
        -------
        list of Request
            In the order of the answers, watches by their start. A request may be answered a moment before it is logged.
        """
        return read_requests(self._audit_log, user)
