"""Stories that mostly wait, run by a thread beside the other tests, on a cluster of their own."""

from __future__ import annotations

import signal
import time
import uuid
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sandbox import ControlPlane, free_ports, wait_until
from sandbox.aws.data_plane import AppConfigProxy, Operation, Rules
from sandbox.kube.kubectl import Kubectl
from sandbox.kube.operator_process import MANIFESTS, USER, operator, wait_for_kind
from tests.e2e.support.canary import LOOKOUT
from tests.e2e.support.scene import TIMEOUT, Scene, administrator, check_log, value, wait_for_silence
from tests.e2e.support.stage import OF_REPLICAS, ask

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import AppConfig, MiniStack, Place, Process, Request

Beside = dict[str, Future[None]]

NOT_INSTALLED = "The CRD appconfigsources.appconfig-operator.io is not installed"
# What each source of the story about unchanged polls asks for: every format and every policy is among them.
TARGETS: list[dict[str, Any]] = [
    {"format": "Raw"},
    {"format": "JSON", "compression": "Gzip"},
    {"format": "YAML", "creationPolicy": "Orphan"},
    {"format": "Properties", "labels": {"team": "a"}, "annotations": {"note": "b"}},
    {"format": "Dotenv"},
    {"format": "Entries", "name": "shared", "creationPolicy": "Merge"},
    {"format": "EnvVars", "name": "shared", "creationPolicy": "Merge"},
]
SOURCES = len(TARGETS)
POLLS = 20
OUTAGE_SECONDS = 30.0
LEASE_SECONDS = 15
DEPLOYED_AFTER_SECONDS = 25.0
SOON_SECONDS = 8.0
"""The watch on sources ends a few seconds after the CRD has gone: the API server closes it late."""


@dataclass
class ServedCluster:
    """A cluster, and an operator for all of it. Each part starts when it is first asked for, in that thread."""

    ministack: MiniStack
    appconfig: AppConfig
    folder: Path
    _stack: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def control_plane(self) -> ControlPlane:
        running = self._stack.enter_context(ControlPlane())
        self._stack.enter_context(LOOKOUT.over(administrator(running)))
        return running

    @cached_property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.control_plane.kubeconfig)

    @cached_property
    def proxy(self) -> AppConfigProxy:
        return self._stack.enter_context(AppConfigProxy(self.ministack.url, Rules(poll_interval=1)))

    @cached_property
    def operator(self) -> Process:
        aws = {**self.ministack.environment(), **self.proxy.environment()}
        arguments = ["--log-format=text", f"--health-port={self.health_port}"]
        return self._stack.enter_context(operator(self.control_plane, self.folder, aws=aws, arguments=arguments))

    @cached_property
    def health_port(self) -> int:
        return free_ports(1)[0]

    def probe(self, path: str) -> int:
        """Return the status of a probe."""
        return ask(self.health_port, path)[0]

    def new_scene(self) -> Scene:
        scene = Scene(administrator(self.control_plane), self.appconfig, f"beside-{uuid.uuid4().hex[:10]}")
        scene.create_namespace()
        return scene

    def writes(self) -> int:
        """Count what the API server was asked to write, by anybody, of the kinds that the operator writes."""
        kinds = {"configmaps", "appconfigsources", "events"}
        return sum(
            sample.count for sample in self.control_plane.request_total() if sample.write and sample.resource in kinds
        )

    def requests(self, *, since: float) -> list[Request]:
        """Give what the operator asked the API server for, but that by which replicas share their work."""
        return [
            request
            for request in self.control_plane.requests_of(USER)
            if request.time >= since and (request.verb, request.resource) not in OF_REPLICAS
        ]

    def close(self) -> None:
        self._stack.close()


def wait_for_crd(cluster: ServedCluster) -> None:
    """The operator starts before its CRD is there, and then serves all namespaces."""
    base = MANIFESTS / "base"
    cluster.kubectl("apply", "--server-side", "-f", base / "namespace.yaml", "-f", base / "rbac.yaml")
    running = cluster.operator
    wait_until(lambda: NOT_INSTALLED in running.log, TIMEOUT, "a line about the missing CRD")
    assert (cluster.probe("/healthz"), cluster.probe("/readyz")) == (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
    pid = running.pid
    cluster.kubectl("apply", "--server-side", "-k", MANIFESTS.parent / "crds")
    wait_for_kind(cluster.kubectl)
    wait_until(lambda: cluster.probe("/readyz") == HTTPStatus.OK, TIMEOUT, "readiness")
    scenes = [cluster.new_scene() for _ in range(2)]
    for scene in scenes:
        scene.deploy(value(scene.namespace).encode(), content_type="text/plain")
        scene.apply("checkout")
    for scene in scenes:
        scene.wait_for("checkout", "Synced")
        assert scene.config_map("checkout")["data"] == {"config.txt": value(scene.namespace)}
    running.check()
    assert running.pid == pid
    # A line at each look, which is every 5 s, and nothing else that is wrong.
    troubles = [line for line in running.log.splitlines() if " ERROR " in line or " WARNING " in line]
    assert 1 <= len(troubles) <= 2, troubles
    assert all(NOT_INSTALLED in line for line in troubles), troubles


def write_nothing_unchanged(cluster: ServedCluster) -> None:
    """Polls that bring nothing new write nothing, and neither does a restart."""
    scene, proxy, running = cluster.new_scene(), cluster.proxy, cluster.operator
    names = [f"source-{number}" for number in range(SOURCES)]
    places = [scene.place(name) for name in names]
    scene.write_config_map("shared", {"theirs": "x"})
    for name, target in zip(names, TARGETS, strict=True):
        scene.deploy(f'{{"a": {{"b": "{value(name)}"}}}}'.encode(), profile=name, label=name)
        scene.apply(name, configurationProfile=name, target=target, select="/a")
    for name in names:
        scene.wait_for(name, "Synced")
        scene.wait_for_events(name, [("Normal", "Synced")])
    assert cluster.writes() >= 3 * SOURCES, "the count does not see writes"
    scene.change(names[0], pinnedDigest=scene.source(names[0])["status"]["target"]["digest"])
    scene.wait_for(names[0], "Pinned", generation=2)
    scene.wait_for_events(names[0], [("Normal", "Synced"), ("Normal", "Pinned")])
    before = scene.sources(), scene.config_maps()

    counted, clock = cluster.writes(), time.time()
    wait_for_polls(proxy, places, POLLS, since=time.monotonic())
    assert cluster.writes() == counted
    assert {request.verb for request in cluster.requests(since=clock)} <= {"watch"}

    running.stop()
    clock, restarted = time.time(), time.monotonic()
    running.start()
    # The second poll of a source begins when all is done that followed from the first.
    wait_for_polls(proxy, places, 2, since=restarted)
    assert cluster.writes() == counted
    assert {request.verb for request in cluster.requests(since=clock)} == {"get", "list", "watch"}
    assert (scene.sources(), scene.config_maps()) == before


def wait_for_polls(proxy: AppConfigProxy, places: list[Place], polls: int, since: float) -> None:
    for place in places:
        wait_until(
            lambda place=place: proxy.count(Operation.LATEST, place=place, since=since) >= polls,  # type: ignore[misc]
            TIMEOUT + 2 * polls,
            f"{polls} polls of {place}",
        )


def outlive_an_outage(cluster: ServedCluster) -> None:
    """The API server is away for a while: the same process goes on, and nothing is lost."""
    scene, proxy, running = cluster.new_scene(), cluster.proxy, cluster.operator
    for profile in ("stays", "goes", "comes"):
        scene.deploy(b'{"version": "can4rybird 1"}', profile=profile)
    for profile in ("stays", "goes"):
        # ConfigMaps that stay: of the end of a source, nothing reports but a list of the sources.
        scene.apply(profile, configurationProfile=profile, target={"creationPolicy": "Orphan"})
        scene.wait_for(profile, "Synced")
    pid = running.pid

    cluster.control_plane.stop_api_server()
    stopped = time.monotonic()
    wait_until(lambda: time.monotonic() - stopped > DEPLOYED_AFTER_SECONDS, OUTAGE_SECONDS, "most of the outage")
    scene.deploy(b'{"version": "can4rybird 2"}', profile="stays")
    wait_until(lambda: time.monotonic() - stopped > OUTAGE_SECONDS, OUTAGE_SECONDS, "the end of the outage")
    running.check()
    # AppConfig was asked as long as nobody else could have taken over, and not after that.
    assert proxy.count(Operation.LATEST, place=scene.place("goes"), since=stopped) >= LEASE_SECONDS / 3
    assert proxy.count(since=stopped + LEASE_SECONDS) == 0
    # Held, so that its watch is sure to be away while one is deleted and another made.
    running.send(signal.SIGSTOP)
    cluster.control_plane.start_api_server()
    scene.delete("goes")
    scene.apply("comes", configurationProfile="comes")
    running.send(signal.SIGCONT)

    scene.wait_for("comes", "Synced")
    assert scene.config_map("comes")["data"] == {"config.json": '{"version": "can4rybird 1"}'}
    scene.wait_for_content("stays", {"config.json": '{"version": "can4rybird 2"}'}, timeout=60)
    scene.wait_for("stays", "Synced")
    wait_for_silence(proxy, scene.place("goes"), beside=scene.place("comes"))
    running.check()
    assert running.pid == pid
    # It went on in the same session.
    assert proxy.sessions(place=scene.place("stays")) == 1
    assert proxy.replays() == []
    check_log(running)
    assert [line for line in running.log.splitlines() if "ConnectionKey" in line] == []
    tries = [line for line in running.log.splitlines() if "will retry" in line]
    assert "WARNING" in tries[0], tries
    assert "ERROR" in tries[-1], tries


def outlive_its_crd(cluster: ServedCluster) -> None:
    """The CRD is deleted under the operator: one line says so, and when it is back, so is the operator."""
    scene, running = cluster.new_scene(), cluster.operator
    scene.deploy(value("1").encode(), content_type="text/plain")
    scene.apply("checkout", target={"creationPolicy": "Orphan"})
    scene.wait_for("checkout", "Synced")
    before, pid = len(running.log), running.pid

    cluster.kubectl("delete", "-k", MANIFESTS.parent / "crds")
    deleted = time.monotonic()
    wait_until(lambda: NOT_INSTALLED in running.log[before:], TIMEOUT, "a line about the missing CRD")
    assert time.monotonic() - deleted < SOON_SECONDS
    assert scene.config_map("checkout")["data"] == {"config.txt": value("1")}
    cluster.kubectl("apply", "--server-side", "-k", MANIFESTS.parent / "crds")
    wait_for_kind(cluster.kubectl)
    scene.apply("again", target={"name": "again"})
    scene.wait_for("again", "Synced")
    running.check()
    assert running.pid == pid
    troubles = [line for line in running.log[before:].splitlines() if " ERROR " in line or " WARNING " in line]
    assert len(troubles) == 1, troubles
    assert NOT_INSTALLED in troubles[0]


STORIES = {
    "crd": wait_for_crd,
    "unchanged": write_nothing_unchanged,
    "outage": outlive_an_outage,
    "crd-deleted": outlive_its_crd,
}
