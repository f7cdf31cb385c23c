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
    record; every other request goes through as it is.

    Parameters
    ----------
    upstream_url
        Of MiniStack, ``http://host:port``.
    rules
        How strict to be. They are `rules` of the proxy afterwards, and may be changed at any time.
    clock
        Seconds, only ever growing: for the age of tokens, and for the poll interval.
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
        """Give what leads boto3 here, for the place after MiniStack's own."""
        return {"AWS_ENDPOINT_URL": self.url}

    def fail(self, operation: Operation, fault: Fault, *, times: int | None = 1, place: Place | None = None) -> None:
        """Let requests fail. Faults for the same requests come one after the other, in the order of these calls.

        Parameters
        ----------
        operation
            Which.
        fault
            How.
        times
            How often; None: until `heal`.
        place
            For which application, environment and profile, named as the session's start names them; None: for all.
        """
        self._service.plan(operation, fault, times, place)

    def heal(self) -> None:
        """Let no further request fail. Those that hang go on hanging."""
        self._service.heal()

    def begin_experiment(self, place: Place, experiment: Experiment) -> None:
        """Begin an experiment.

        Parameters
        ----------
        place
            Of the profile of feature flags, by names or identifiers.
        experiment
            About a basic flag of it.
        """
        self._service.begin(place, experiment, time.time())

    def end_experiment(self, place: Place, flag: str) -> None:
        """End the experiments about a flag. Parameters: as `begin_experiment`."""
        self._service.end(place, flag, time.time())

    def tokens(self) -> list[str]:
        """Give all tokens that were issued, good or not."""
        return self._service.tokens()

    def replays(self) -> list[Call]:
        """Give the calls with a token that had been used. AWS may take one: a good client sends none."""
        return [call for call in self._service.calls() if call.replay]

    def calls(
        self, operation: Operation | None = None, *, place: Place | None = None, since: float | None = None
    ) -> list[Call]:
        """Give the calls of the data plane, in the order in which they were answered.

        Parameters
        ----------
        operation
            Which; None: both.
        place
            For which application, environment and profile; None: for all.
        since
            ``time.monotonic()`` from which on; None: from the start.

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
        """Count the sessions that were started; a start that failed is none. Parameters: as `calls`."""
        return sum(call.session is not None for call in self.calls(Operation.START, place=place, since=since))
