"""Several replicas of the operator, and who of them asked AWS AppConfig and the API server for what."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import re
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from appconfig_operator.core.sharding.assignment import assign
from appconfig_operator.core.sharding.lease import from_dict
from sandbox import LOOPBACK, free_ports, wait_until
from sandbox.aws.data_plane import AppConfigProxy, Operation, Rules
from sandbox.kube.kubeconfig import write_kubeconfig
from sandbox.kube.operator_process import NAMESPACE, SERVICE_ACCOUNT, USER, allow_leases, operator
from tests.e2e.support.canary import LOOKOUT
from tests.e2e.support.scene import CANARY, TIMEOUT, Scene, check_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from sandbox import ControlPlane, MiniStack, Place, Process, Request
    from sandbox.aws.data_plane.calls import Call
    from sandbox.processes.relay import Relay

LEASE_SECONDS = 5
"""How long Leases last here: the least that the operator takes."""

SPREAD_SECONDS = 15
"""`spec.pollIntervalSeconds` of all sources here: over so long those without a session are spread."""

# Besides Leases and the Secrets of the handover, a replica that finds all in order asks for nothing else.
HARMLESS = {("get", ""), ("list", "appconfigsources"), ("watch", "appconfigsources")} | {
    (verb, "configmaps") for verb in ("list", "watch")
}
# At the start each asks whether it may see the Leases of other operators.
OF_REPLICAS = (
    {(verb, "leases") for verb in ("list", "create", "update", "delete")}
    | {(verb, "secrets") for verb in ("list", "create", "delete")}
    | {("create", "selfsubjectaccessreviews")}
)

_MOVES = re.compile(r"(Polling|Released|Lost) shard (\d+)")
_METRIC = re.compile(r"^appconfig_operator_(\S+) (\S+)$", re.MULTILINE)


@dataclass
class Replica:
    """One operator process, with a token and an access key of its own."""

    name: str
    process: Process
    credential: str
    """Of its token, as the audit log has it."""
    health_port: int
    metrics_port: int

    @property
    def shards(self) -> set[int]:
        """The shards that it polls, as its log shows."""
        held: set[int] = set()
        for what, number in _MOVES.findall(self.process.log):
            (held.add if what == "Polling" else held.discard)(int(number))
        return held

    def probe(self, path: str) -> int:
        """Return the status of a probe, or 0 where nobody answers yet."""
        return ask(self.health_port, path)[0]

    def ready(self) -> bool:
        return self.probe("/readyz") == http.client.OK

    def metrics(self) -> dict[str, float]:
        """Return the operator's own metrics, by name and labels, without the prefix."""
        status, text = ask(self.metrics_port, "/metrics")
        assert status == http.client.OK
        return {name: float(value) for name, value in _METRIC.findall(text)}


def ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
    except ConnectionRefusedError:
        return 0, ""
    finally:
        connection.close()
    LOOKOUT.look(f"GET {path}", text)
    return response.status, text


@dataclass
class Stage:
    """A namespace with its own AppConfig data plane and its own Leases. What was started on it ends with it."""

    control_plane: ControlPlane
    ministack: MiniStack
    scene: Scene
    folder: Path
    poll_interval: int = 1
    """Seconds, as AppConfig answers: the CRD takes no shorter one than 15 s."""
    replicas: list[Replica] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        rules = Rules(poll_interval=self.poll_interval)
        self.proxy = self._stack.enter_context(AppConfigProxy(self.ministack.url, rules))
        allow_leases(self.control_plane, self.scene.namespace)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            for replica in self.replicas:
                if replica.process.running:
                    with suppress(OSError):  # the story may have left it in any state
                        ask(replica.metrics_port, "/metrics")  # for the lookout
                replica.process.stop()
        for replica in self.replicas:
            if error is None:
                check_log(replica.process)
            else:
                error.add_note(f"The log of replica {replica.name}:\n{replica.process.log}")

    # What happens on it.

    def start(self, name: str, *arguments: str, shards: int = 1, through: Relay | None = None) -> Replica:
        """Start a replica. It is there when it has begun to look around."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        token = self.control_plane.service_account_token(NAMESPACE, SERVICE_ACCOUNT)
        url = self.control_plane.url if through is None else through.url
        health_port, metrics_port = free_ports(2)
        process = operator(
            self.control_plane,
            folder,
            aws={**self.ministack.environment(), **self.proxy.environment(), "AWS_ACCESS_KEY_ID": name},
            arguments=[
                f"--namespace={self.scene.namespace}",
                f"--shards={shards}",
                f"--lease-duration={LEASE_SECONDS}",
                f"--health-port={health_port}",
                f"--metrics-port={metrics_port}",
                "--log-format=text",
                *arguments,
            ],
            lease_namespace=self.scene.namespace,
            kubeconfig=write_kubeconfig(folder / "kubeconfig", url, self.control_plane.ca_file, token),
        )
        replica = Replica(name, process, credential_of(token), health_port, metrics_port)
        self.replicas.append(replica)
        process.start()
        return replica

    def deploy(self, names: Iterable[str], content: str = '{"version": "can4rybird 1"}') -> None:
        """Deploy to a profile for each name."""
        for name in names:
            self.scene.deploy(content.encode(), profile=name, label=content.replace(CANARY, "version"))

    def apply(self, names: Iterable[str]) -> None:
        """Create a source for each name, of the profile of that name."""
        for name in names:
            self.scene.apply(name, configurationProfile=name, pollIntervalSeconds=SPREAD_SECONDS)

    def wait_for_shares(self, replicas: Iterable[Replica], shares: list[int], timeout: float = TIMEOUT) -> float:
        """Wait until replicas poll so many shards each, in whatever order, and all of them. Return when."""
        these = list(replicas)

        def shared_out() -> bool:
            held = [replica.shards for replica in these]
            together = set().union(*held)
            return sorted(map(len, held)) == sorted(shares) and len(together) == sum(shares)

        wait_until(shared_out, timeout, f"shares of {shares}")
        return time.monotonic()

    def wait_for_assigned(self) -> None:
        """Wait until each shard is polled by the replica that is to have it: none moves until a replica comes or goes.

        Who that is is decided by the random part of the replicas' names.
        """
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.scene.namespace}/leases"

        def assigned() -> bool:
            leases = [from_dict(item) for item in self.scene.api.json("GET", path)["items"]]
            members = [lease.holder for lease in leases if lease is not None and lease.shard is None]
            holders = {lease.shard: lease.holder for lease in leases if lease is not None and lease.shard is not None}
            polled = [shard for replica in self.replicas for shard in replica.shards]
            everybody = len(members) == len(self.replicas) and len(polled) == len(holders)
            return everybody and bool(holders) and holders == assign(len(holders), members)

        wait_until(assigned, TIMEOUT, "each shard with the replica that is to have it")

    def wait_for_polls(
        self, names: Iterable[str], *, since: float, polls: int = 1, by: Replica | None = None, timeout: float = TIMEOUT
    ) -> None:
        """Wait until each source was polled so often since a moment."""
        for name in names:
            wait_until(
                lambda name=name: len(self.polls(name, since=since, by=by)) >= polls,  # type: ignore[misc]
                timeout,
                f"{polls} polls of {name}",
            )

    # What was asked.

    def calls(self, *, since: float, operation: Operation | None = None, by: Replica | None = None) -> list[Call]:
        return [
            call
            for call in self.proxy.calls(operation, since=since)
            if call.place is not None
            and call.place.application == self.scene.namespace
            and (by is None or call.caller == by.name)
        ]

    def polls(self, name: str, *, since: float = 0.0, by: Replica | None = None) -> list[Call]:
        """Return the polls of the source of a name, in the order in which they came."""
        calls = self.proxy.calls(Operation.LATEST, place=self.scene.place(name), since=since)
        return sorted((call for call in calls if by is None or call.caller == by.name), key=lambda call: call.time)

    def starts(self, *, since: float) -> list[Place]:
        """Return the places of the sessions that were started."""
        return [call.place for call in self.calls(since=since, operation=Operation.START) if call.place is not None]

    def requests(self, replica: Replica, *, since: float = 0.0) -> list[Request]:
        """Give what a replica asked the API server for, since a moment of `time.time`."""
        return [
            request
            for request in self.control_plane.requests_of(USER)
            if request.credential == replica.credential and request.time >= since
        ]

    def renewals(self, replica: Replica, shard: int) -> list[float]:
        """Give when a replica has written the Lease of a shard with success: took, renewed or freed it. Unix time."""
        written = ("update", f"appconfig-operator-shard-{shard}", http.client.OK)
        return [
            request.time for request in self.requests(replica) if (request.verb, request.name, request.code) == written
        ]

    def writes(self, *replicas: Replica, since: float = 0.0) -> list[Request]:
        """Return the writes of replicas, but those by which replicas share their work."""
        return [
            request
            for replica in replicas or self.replicas
            for request in self.requests(replica, since=since)
            if request.verb not in {"get", "list", "watch"} and (request.verb, request.resource) not in OF_REPLICAS
        ]

    def asked_for(self, *replicas: Replica, since: float = 0.0) -> set[tuple[str, str]]:
        """Give verb and resource of what replicas asked for, but those by which they share their work."""
        asked = {
            (request.verb, "/".join(filter(None, (request.resource, request.subresource))))
            for replica in replicas
            for request in self.requests(replica, since=since)
        }
        return asked - OF_REPLICAS

    # What has to hold of all that was asked.

    def check_one_poller(self, names: Iterable[str], *, again: bool = False) -> None:
        """Check that no source was ever polled by two replicas in one interval, nor in two sessions side by side.

        With `renewed`, the interval counts within a session only, because a new one may start when another has ended.
        """
        for name in names:
            calls = [call for call in self.polls(name) if not call.fault]
            for before, after in itertools.pairwise(calls):
                seen = f"{name}: {before} and {after}"
                if before.session == after.session or not again:
                    assert after.time - before.time >= self.poll_interval - 0.05, seen
                assert (before.session or 0) <= (after.session or 0), seen
            assert {call.status for call in calls} == {http.client.OK}, name
            # AWS takes a used token once more, so its answers do not show it.
            assert not any(call.replay for call in calls), name

    def check_sessions_went_on(self, names: Iterable[str], *, since: float) -> None:
        """Check that no session was started since a moment, and nothing was received."""
        assert self.starts(since=since) == []
        assert [call for name in names for call in self.polls(name, since=since) if call.size] == []


def credential_of(token: str) -> str:
    """Return the claim `jti` of a token."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"])


def eventually(condition: Callable[[], bool], what: str, timeout: float = TIMEOUT) -> None:
    wait_until(condition, timeout, what)
