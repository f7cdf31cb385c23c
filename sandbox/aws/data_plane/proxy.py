"""The proxy as a context manager."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from sandbox.aws.data_plane.backend import MiniStackBackend
from sandbox.aws.data_plane.messages import Operation
from sandbox.aws.data_plane.server import Server
from sandbox.aws.data_plane.service import Service
from sandbox.aws.data_plane.tokens import Rules
from sandbox.aws.data_plane.upstream import Upstream
from sandbox.processes.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sandbox.aws.appconfig import Place
    from sandbox.aws.data_plane.calls import Call
    from sandbox.aws.data_plane.experiments import Experiment
    from sandbox.aws.data_plane.faults import Fault


class AppConfigProxy:
    """AppConfig's data plane as strict as the real one, in front of MiniStack, in a thread of this process.

    ``StartConfigurationSession`` and ``GetLatestConfiguration`` go through its rules, its script of faults, and its
    record; every other request is forwarded unchanged.

    Parameters
    ----------
    upstream_url
        Of MiniStack, ``http://host:port``.
    rules
        How strict to be. Available as `rules`, and can be changed at any time.
    clock
        A monotonic clock, in seconds: for the age of tokens, and for the poll interval.
    """

    def __init__(
        self, upstream_url: str, rules: Rules | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rules = rules or Rules()
        self._service = Service(MiniStackBackend(Upstream(upstream_url)), self.rules, clock, time.monotonic)

    def __enter__(self) -> Self:
        """Start it."""
        self._server = Server(self._service)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="appconfig-proxy")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it. Requests that hang are released."""
        self._server.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        """Return the variables that lead boto3 here, to be added after MiniStack's own."""
        return {"AWS_ENDPOINT_URL": self.url}

    def fail(self, operation: Operation, fault: Fault, *, times: int | None = 1, place: Place | None = None) -> None:
        """Make requests fail. Several faults for the same requests occur in the order of these calls.

        Parameters
        ----------
        operation
            Which.
        fault
            How.
        times
            How often; None: until `heal`.
        place
            The application, environment and profile, as named when the session started; None: all.
        """
        self._service.plan(operation, fault, times, place)

    def heal(self) -> None:
        """Make no further requests fail. Those that hang continue to hang."""
        self._service.heal()

    def begin_experiment(self, place: Place, experiment: Experiment) -> None:
        """Start an experiment.

        Parameters
        ----------
        place
            The profile of feature flags, by names or identifiers.
        experiment
            An experiment with a basic flag in it.
        """
        self._service.begin(place, experiment, time.time())

    def end_experiment(self, place: Place, flag: str) -> None:
        """End the experiments with a flag. Parameters: as `begin_experiment`."""
        self._service.end(place, flag, time.time())

    def tokens(self) -> list[str]:
        """Return all tokens that were issued, valid or not."""
        return self._service.tokens()

    def replays(self) -> list[Call]:
        """Return the calls with a used token. AWS may accept one, but a good client sends none."""
        return [call for call in self._service.calls() if call.replay]

    def calls(
        self, operation: Operation | None = None, *, place: Place | None = None, since: float | None = None
    ) -> list[Call]:
        """Return the calls of the data plane, in the order in which they were answered.

        Parameters
        ----------
        operation
            The operation; None: both.
        place
            The application, environment and profile; None: all.
        since
            The start, by ``time.monotonic()``; None: everything.

        Returns
        -------
        list of Call
            The calls.
        """
        return [
            call
            for call in self._service.calls()
            if (call.operation is operation if operation else call.operation is not Operation.OTHER)
            and place in {None, call.place}
            and (since is None or call.time >= since)
        ]

    def count(
        self, operation: Operation | None = None, *, place: Place | None = None, since: float | None = None
    ) -> int:
        """Count the calls of the data plane. Parameters: as `calls`."""
        return len(self.calls(operation, place=place, since=since))

    def sessions(self, *, place: Place | None = None, since: float | None = None) -> int:
        """Count the sessions that were started, without failed starts. Parameters: as `calls`."""
        return sum(call.session is not None for call in self.calls(Operation.START, place=place, since=since))
