"""The data plane as its own process, with queries for the benchmarks."""

from __future__ import annotations

import http.client
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.data_plane.documents import Kind
from benchmarks.data_plane.record import Call
from benchmarks.data_plane.server import CALLS, COUNT, DEPLOY
from sandbox.aws.ministack import REGION
from sandbox.processes.ports import LOOPBACK, free_ports
from sandbox.processes.process import Process

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_ROOT = Path(__file__).parents[2]
_TIMEOUT = 60.0


class DataPlane:
    """The data plane as a context manager: ready inside, gone afterwards.

    Parameters
    ----------
    folder
        The folder for its log.
    kind
        What it delivers.
    interval
        Seconds between two polls. Default: what a session requests.
    """

    def __init__(self, folder: Path, kind: Kind = Kind.ORDINARY, interval: float | None = None) -> None:
        (self.port,) = free_ports(1)
        self.process = Process(
            "data-plane",
            [
                sys.executable,
                "-m",
                "benchmarks.data_plane",
                str(self.port),
                kind,
                *([] if interval is None else [str(interval)]),
            ],
            folder,
            environment={"PATH": os.environ.get("PATH", os.defpath)},
            working_directory=_ROOT,
            ready=lambda: self.count() == 0,
        )

    def __enter__(self) -> Self:
        """Start it."""
        self.process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.process.stop()

    def environment(self, caller: str) -> dict[str, str]:
        """Return the environment variables that lead boto3 here, and identify the caller."""
        return {
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{self.port}",
            "AWS_ACCESS_KEY_ID": caller,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # Use neither the machine's own identity nor its user's files.
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def calls(self, since: int = 0) -> list[Call]:
        """Return the calls from a number on. Long lists block the server, so do not call this inside a window."""
        return [Call(*call) for call in self._ask("GET", f"{CALLS}{since}")]

    def deploy(self, profiles: Sequence[str]) -> float:
        """Deploy a new version of each profile, and return when: Unix time in seconds."""
        return float(self._ask("POST", DEPLOY, json.dumps(profiles)))

    def count(self) -> int:
        """Return the number of calls so far."""
        return int(self._ask("GET", COUNT))

    def _ask(self, method: str, target: str, body: str | None = None) -> Any:  # noqa: ANN401 - JSON is anything
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=_TIMEOUT)
        try:
            connection.request(method, target, body)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
