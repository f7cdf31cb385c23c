"""An AWS AppConfig on this machine: MiniStack, as its own process."""

from __future__ import annotations

import http.client
import os
import sys
from typing import TYPE_CHECKING

from sandbox.processes.hosts import LOCAL, Host
from sandbox.processes.ports import free_ports
from sandbox.processes.process import Process
from sandbox.processes.started import Started

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

REGION = "eu-west-1"

# The services that the operator and the tests call: the two of AppConfig, and STS and IAM for roles.
_SERVICES = "appconfig,appconfigdata,sts,iam"
_READY_PATH = "/_ministack/ready"
_READY_TIMEOUT = 60.0


class MiniStack(Started):
    """MiniStack as a context manager: ready inside; afterwards, it and its state are gone.

    Parameters
    ----------
    folder
        Where its log and its files go; it is kept. Default: a temporary folder of the host, which is removed.
    access_checks
        Whether it verifies signatures and applies IAM policies, as AWS does. Default: all credentials allow everything.
        With it, the key ``test`` is the account's root.
    host
        Where it runs. Default: this machine.
    """

    def __init__(self, folder: Path | None = None, *, access_checks: bool = False, host: Host = LOCAL) -> None:
        self._folder = folder
        self._host = host
        self._access_checks = access_checks

    def _start(self, stack: ExitStack) -> None:
        self.folder = self._folder or self._host.temporary_folder("ministack", stack)
        (self.port,) = free_ports(1)
        self.url = f"http://{self._host.address}:{self.port}"
        self.process = Process(
            "ministack",
            # Safe path: a folder named ministack in the current directory must not be mistaken for it.
            self._host.command([sys.executable, "-P", "-m", "ministack"]),
            self.folder,
            environment=self._own_environment(),
            ready=self._ready,
            ready_timeout=_READY_TIMEOUT,
        )
        stack.enter_context(self.process)

    def environment(self) -> dict[str, str]:
        """Return the variables that lead boto3 and the AWS command line here, and nowhere else.

        Returns
        -------
        dict of str to str
            Environment variables. Remove ``AWS_PROFILE`` from the environment that you add them to.
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # Use neither the machine's own identity nor its user's files.
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **({} if self._host == LOCAL else {"NO_PROXY": self._host.address}),
        }

    def _own_environment(self) -> dict[str, str]:
        # Not ours: MiniStack reads many variables, and one that is set for another MiniStack would affect this one.
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "TMPDIR": str(temporary),
            "STATE_DIR": str(self.folder / "state"),
            "S3_DATA_DIR": str(self.folder / "s3"),
            "BIND_HOST": self._host.address,
            "GATEWAY_PORT": str(self.port),
            "SERVICES": _SERVICES,
            "MINISTACK_REGION": REGION,
            "AUTH": str(self._access_checks).lower(),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # At start and end, it removes containers that look like its own: keep it from others on this machine.
            "DOCKER_HOST": f"unix://{self.folder / 'no-docker.sock'}",
            "LOG_LEVEL": "WARNING",
        }

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection(self._host.address, self.port, timeout=5)
        try:
            connection.request("GET", _READY_PATH)
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
