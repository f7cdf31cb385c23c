"""Builds and connects the main parts, and starts and stops them."""

from __future__ import annotations

import logging
import os
import platform
import random
import secrets
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from appconfig_operator.allocator import give_back_large_blocks
from appconfig_operator.aws.service import AppConfig
from appconfig_operator.core.sharding.lease import identity
from appconfig_operator.core.sharding.membership import Replica
from appconfig_operator.core.sharding.other_operators import serving
from appconfig_operator.engine.clock import steady
from appconfig_operator.engine.policy_guard import PolicyGuard
from appconfig_operator.engine.poll import Poller
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.engine.sessions import Sessions
from appconfig_operator.engine.shard_coordinator import ShardCoordinator
from appconfig_operator.engine.shard_view import ShardView
from appconfig_operator.engine.slots import threads
from appconfig_operator.engine.workers import Workers
from appconfig_operator.kube.api import connect
from appconfig_operator.kube.config_map_metadata import ConfigMapMetadata
from appconfig_operator.kube.configmaps import ConfigMaps
from appconfig_operator.kube.connection import ConnectionSettingsError, in_cluster, own_namespace
from appconfig_operator.kube.events import Events
from appconfig_operator.kube.fence import Fence
from appconfig_operator.kube.handovers import Handovers
from appconfig_operator.kube.history import History
from appconfig_operator.kube.identity_reader import IdentityReader
from appconfig_operator.kube.leases import Leases
from appconfig_operator.kube.other_leases import OtherLeases
from appconfig_operator.kube.outbox import Outbox
from appconfig_operator.kube.ownership import owned_by_service_account
from appconfig_operator.kube.sources import Sources
from appconfig_operator.policy_file import read_policy
from appconfig_operator.settings import SettingsError
from appconfig_operator.stack import deepen
from appconfig_operator.telemetry.gauges import Gauges
from appconfig_operator.telemetry.health import stuck, unready
from appconfig_operator.telemetry.http_server import Server
from appconfig_operator.telemetry.metrics import Metrics
from appconfig_operator.telemetry.probes import pages
from appconfig_operator.telemetry.rights import Rights
from appconfig_operator.watches.awaited import AwaitedWatches
from appconfig_operator.watches.config_maps import ConfigMapWatches
from appconfig_operator.watches.deletion_sweeper import DeletionSweeper
from appconfig_operator.watches.known_sources import KnownSources
from appconfig_operator.watches.namespace_access import NamespaceAccess
from appconfig_operator.watches.other_operators import OtherOperators
from appconfig_operator.watches.sources import SourceWatch

if TYPE_CHECKING:
    from types import FrameType

    from appconfig_operator.core.policy import Policy
    from appconfig_operator.engine.ports import ConfigurationService
    from appconfig_operator.kube.api import Api
    from appconfig_operator.settings import Settings

logger = logging.getLogger(__name__)

GRACE_SECONDS = 3.0
"""For the polls under way when the operator is asked to stop. A write takes milliseconds; a call to AWS is cut off."""

EVENTS_SECONDS = 1.0
"""For the Events that wait."""

HANDOVER_SECONDS = 5.0
"""For releasing all shards after that. It takes well under a second, unless the API server is away."""


LEASE_CALLS = 5
"""How many calls that hang may follow each other within the duration of a Lease."""


def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Raises
    ------
    SettingsError
        When there is no API server to connect to, the policy file is invalid, or a port cannot be listened on.
    """
    give_back_large_blocks()
    policy = read_policy(settings.policy_file)
    deepen()
    stop = _stop_on_signal()
    release = version("appconfig-operator")
    metrics, fence, rights = Metrics(release), Fence(), Rights(settings.namespaces, time.monotonic)
    try:
        # One connection for each worker and the watches on ConfigMaps; and for Leases, handed-over sessions, Events and
        # the lists of sources. That others are looked for at the start is over soon.
        connections = threads(settings.workers) + 2 * max(1, len(settings.namespaces)) + 4
        api = connect(workers=connections, fence=fence, on_call=metrics.called_kubernetes, on_right=rights.answered)
    except ConnectionSettingsError as error:
        raise SettingsError(str(error)) from error
    operator = _Operator(
        settings, api, policy=policy, metrics=metrics, fence=fence, rights=rights, release=release, stop=stop
    )
    operator.open_ports()
    operator.start()
    logger.info(
        "Started: namespaces %s, %d workers, %d %s with Leases in namespace %s",
        ", ".join(settings.namespaces) or "all",
        settings.workers,
        settings.shards,
        "shards" if settings.shards > 1 else "shard",
        operator.lease_namespace,
    )
    stop.wait()
    logger.info("Stopping")
    logger.info("%s", operator.stop())
    logging.shutdown()
    # A thread that still waits for a server could delay an ordinary exit. All writes are done, or idempotent.
    os._exit(0)


class _Operator:
    """All parts, put together."""

    def __init__(  # noqa: PLR0913 (what the parts are made from)
        self,
        settings: Settings,
        api: Api,
        *,
        policy: Policy | None,
        metrics: Metrics,
        fence: Fence,
        rights: Rights,
        release: str,
        stop: threading.Event,
    ) -> None:
        self._settings = settings
        self._metrics, self._rights = metrics, rights
        self.lease_namespace = namespace = settings.lease_namespace or own_namespace()
        limit = threads(settings.workers)
        self._shard_view = ShardView(settings.shards, steady)
        self._service = AppConfig(
            workers=limit,
            user_agent=f"appconfig-operator/{release}",
            identities=IdentityReader(api),
            on_call=metrics.called_aws,
            on_pause=metrics.paused,
            quota_percent=settings.aws_quota_percent,
            replicas=lambda: self._shard_view.pollers,
        )
        service: ConfigurationService = self._service if policy is None else PolicyGuard(self._service, policy)
        sessions = Sessions(service, monotonic=time.monotonic, utc_now=_utc_now, random=random.random)
        self._scheduler = Scheduler(
            sessions, shards=settings.shards, workers=settings.workers, monotonic=time.monotonic
        )
        self._outbox = Outbox(Events(api, instance=platform.node()), fence, busy=self._scheduler.busy)
        sources = Sources(api)
        poller = Poller(
            service=service,
            config_maps=ConfigMaps(api),
            history=History(api),
            sources=sources,
            events=self._outbox,
            meter=metrics,
            monotonic=time.monotonic,
            utc_now=_utc_now,
            random=random.random,
        )
        self._workers = Workers(
            self._scheduler, poller, fence=fence, meter=metrics, limit=limit, monotonic=time.monotonic
        )
        access = NamespaceAccess(sources, settings.namespaces)
        known = KnownSources(self._scheduler, access)
        self._source_watch = SourceWatch(known, access, sources, stop, on_right=rights.answered)
        self._sweeper = DeletionSweeper(self._source_watch, known, access, sources, stop)
        # One for each namespace: without the right to watch all of them there is no other way.
        watched = settings.namespaces or [None]
        self._config_map_watches = ConfigMapWatches(
            self._scheduler,
            [ConfigMapMetadata(api, each) for each in watched],
            after=known.listed,
            stop=stop,
        )
        self._awaited_watches = AwaitedWatches(
            self._scheduler, [ConfigMapMetadata(api, each, selector="") for each in watched], stop=stop
        )
        call_seconds = settings.lease_duration / LEASE_CALLS
        owned, serves = partial(owned_by_service_account, namespace), serving(settings.namespaces)
        self._shards = ShardCoordinator(
            Replica(identity(platform.node(), secrets.token_hex(4)), settings.shards, settings.lease_duration),
            leases=Leases(api, namespace, timeout=call_seconds, utc_now=_utc_now, owned=owned, serves=serves),
            runner=self._scheduler,
            store=Handovers(api, namespace, timeout=call_seconds, shards=settings.shards, owned=owned),
            executor=ThreadPoolExecutor(1, "handover"),
            view=self._shard_view,
            ready=self._config_map_watches.listed,
            monotonic=steady,
        )
        self._others = OtherOperators(OtherLeases(api), own=namespace, namespaces=settings.namespaces, stop=stop)
        metrics.watch(self._gauges)

    def open_ports(self) -> None:
        """Open the ports. Raises `SettingsError`."""
        settings, everywhere = self._settings, in_cluster()
        if settings.metrics_port:
            paths = {"/metrics": self._metrics.page}
            Server(paths, flag="--metrics-port", port=settings.metrics_port, everywhere=everywhere)
        if settings.health_port:
            probes = pages(health=self._stuck, ready=self._unready)
            Server(probes, flag="--health-port", port=settings.health_port, everywhere=everywhere)

    def start(self) -> None:
        """Start all threads."""
        self._outbox.start()
        self._workers.start()
        self._source_watch.start()
        self._sweeper.start()
        self._config_map_watches.start()
        self._awaited_watches.start()
        self._shards.start()
        self._others.start()

    def stop(self) -> str:
        """End what is under way, hand over, and say how it went."""
        self._source_watch.end()
        self._scheduler.stop()
        ended = self._workers.join(GRACE_SECONDS)
        self._scheduler.cut_off()
        events_written = self._outbox.stop(EVENTS_SECONDS)
        released = self._shards.stop(HANDOVER_SECONDS)
        left = [] if ended else ["polls cut off"]
        if not events_written:
            left.append("Events not written")
        if not released:
            left.append("Leases not released, which others take over once they have expired")
        return f"Stopped, with {' and '.join(left)}" if left else "Stopped"

    def _stuck(self) -> list[str]:
        return stuck(scheduler=self._scheduler.age(), shards=self._shard_view.age)

    def _unready(self) -> list[str]:
        return unready(
            listed=self._config_map_watches.listed.is_set(),
            joined=self._shard_view.joined,
            failing=self._shards.failing,
            lapsed=self._shard_view.lapsed,
            trouble=self._shards.complaint,
            missing=self._rights.missing(),
        )

    def _gauges(self) -> Gauges:
        scheduled, shards = self._scheduler.snapshot(), self._shard_view
        return Gauges(
            sources=scheduled.sources,
            sources_known=scheduled.sources_known,
            queue_depth=scheduled.queue_depth,
            oldest_due=scheduled.oldest_due,
            polls_under_way=scheduled.polls_under_way,
            shards=self._settings.shards,
            shards_held=len(shards.held),
            replicas=shards.members,
            endpoints_paused=self._service.paused(),
            heartbeats={"scheduler": self._scheduler.age(), "shards": shards.age},
            lease_remaining=shards.remaining,
            refused=self._rights.counts(),
        )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()

    def set_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, set_stop)
    signal.signal(signal.SIGINT, set_stop)
    return stop
