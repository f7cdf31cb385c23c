"""The environment of a benchmark: its own control plane and data plane, sources, and operators."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import sources
from benchmarks.api import Api
from benchmarks.audit import AuditLog
from benchmarks.data_plane import DataPlane
from benchmarks.data_plane.documents import Kind
from sandbox import ControlPlane
from sandbox.kube.operator_process import NAMESPACE, SERVICE_ACCOUNT, USER, install, operator
from sandbox.processes.ports import free_ports
from sandbox.processes.process import Process
from sandbox.processes.started import Started
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

    from benchmarks.audit import Request

_ROOT = Path(__file__).parents[1]
_SYNC_TIMEOUT = 600.0
_LOG_TIMEOUT = 5.0


class World(Started):
    """A fresh control plane with the operator's CRD and permissions, and a fresh data plane. Gone afterwards.

    Parameters
    ----------
    folder
        The folder for keys, data and logs; it must be empty.
    kind
        The kind of configuration that the data plane delivers.
    interval
        Seconds between two polls of a source.
    """

    def __init__(self, folder: Path, kind: Kind = Kind.ORDINARY, interval: float | None = None) -> None:
        self._delivers = kind, interval
        self._folder = folder

    def _start(self, stack: ExitStack) -> None:
        self._folder.mkdir(parents=True)
        self.control_plane = stack.enter_context(ControlPlane())
        self.data_plane = stack.enter_context(DataPlane(self._folder, *self._delivers))
        install(self.control_plane)
        self.api = Api(self.control_plane, sources.THREADS)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": sources.NAMESPACE}}
        self.api.call("POST", "/api/v1/namespaces", namespace)
        self._audit = AuditLog(self.control_plane.folder / "audit.jsonl", USER)

    def operator(self, name: str, arguments: Sequence[str] = (), *, aws: Mapping[str, str] | None = None) -> Replica:
        """Prepare an operator with default settings, except for the ports, which several on one machine cannot share.

        Parameters
        ----------
        name
            Its name as the caller of AWS, and for the folder of its log.
        arguments
            Additional arguments for `appconfig-operator run`.
        aws
            Additional environment variables for the AWS SDK.
        """
        folder = self._folder / name
        folder.mkdir()
        metrics, health = free_ports(2)
        ports = (f"--metrics-port={metrics}", f"--health-port={health}", f"--lease-namespace={NAMESPACE}")
        environment = {**self.data_plane.environment(name), **(aws or {})}
        process = operator(self.control_plane, folder, aws=environment, arguments=[*ports, *arguments])
        self._stack.callback(process.stop)
        return Replica(process, metrics)

    def program(self, name: str, module: str, *arguments: str | Path) -> Process:
        """Prepare a program of the benchmarks, with the operator's permissions; it is timed from outside."""
        kubeconfig = self.control_plane.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
        process = Process(
            name,
            [sys.executable, "-m", module, *arguments],
            self._folder,
            environment={**self.data_plane.environment(name), "KUBECONFIG": str(kubeconfig)},
            working_directory=_ROOT,
        )
        self._stack.callback(process.stop)
        return process

    def file(self, name: str) -> Path:
        """Return the path of a file in this world."""
        return self._folder / name

    def requests(self) -> list[Request]:
        """Return the API requests of the operator, or of a program with its permissions, since the last call."""
        return self._audit.read()

    def wait_for_statuses(self, names: Sequence[str], process: Process) -> list[Request]:
        """Wait until the status of each source was written, and return all requests since the last call."""
        missing = set(names)
        seen: list[Request] = []

        def there() -> bool:
            process.check()
            requests = self.requests()
            seen.extend(requests)
            missing.difference_update(request.name for request in requests if is_status_write(request))
            return not missing

        wait_until(there, _SYNC_TIMEOUT, f"the status of {len(names)} sources")
        return seen


class Replica:
    """An operator.

    Parameters
    ----------
    process
        Not started yet.
    metrics_port
        The port of its metrics.
    """

    def __init__(self, process: Process, metrics_port: int) -> None:
        self.process = process
        self.metrics_port = metrics_port
        self.began = 0.0
        """When its process started: Unix time in seconds."""

    def start(self) -> None:
        """Start it, and wait until it logs that it has started."""
        self.began = time.time()
        self.process.start()


def is_status_write(request: Request) -> bool:
    """Return whether a request has written the status of a source."""
    return request.succeeded and request.verb == "patch" and request.resource == "appconfigsources/status"
