"""Puts everything together: the only place that builds clients and starts threads."""

from __future__ import annotations

import logging
import os
import platform
import random
import signal
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from appconfig_operator.aws.service import AppConfig
from appconfig_operator.core.policy import PolicyError, parse
from appconfig_operator.engine.gate import Gate
from appconfig_operator.engine.poll import Poller
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.kube.api import ConnectionSettingsError, connect
from appconfig_operator.kube.configmaps import ConfigMaps
from appconfig_operator.kube.events import Events
from appconfig_operator.kube.history import History
from appconfig_operator.kube.identities import Identities
from appconfig_operator.kube.marked import MarkedConfigMaps
from appconfig_operator.kube.sources import Sources
from appconfig_operator.settings import SettingsError
from appconfig_operator.watches import ConfigMapWatch, SourceWatch

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from appconfig_operator.core.policy import Policy
    from appconfig_operator.engine.ports import ConfigurationService
    from appconfig_operator.settings import Settings

logger = logging.getLogger(__name__)

GRACE_SECONDS = 4.0
"""For the polls under way when the operator is told to stop. A write takes milliseconds; a call to AWS is cut off."""


def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Raises
    ------
    SettingsError
        When there is no API server to connect to, or the policy file is none.
    """
    policy = _policy(settings.policy_file)
    stop = _stop_on_signal()
    try:
        api = connect(workers=settings.workers + len(settings.namespaces))
    except ConnectionSettingsError as error:
        raise SettingsError(str(error)) from error
    sources = Sources(api)
    service: ConfigurationService = AppConfig(
        workers=settings.workers,
        user_agent=f"appconfig-operator/{version('appconfig-operator')}",
        cluster=Identities(api),
    )
    poller = Poller(
        service=service if policy is None else Gate(service, policy),
        config_maps=ConfigMaps(api),
        history=History(api),
        sources=sources,
        events=Events(api, instance=platform.node()),
        monotonic=time.monotonic,
        utc_now=lambda: datetime.now(UTC),
        random=random.random,
    )
    scheduler = Scheduler(poller, workers=settings.workers, monotonic=time.monotonic)
    source_watch = SourceWatch(scheduler, sources, settings, stop)
    # One for each namespace: without the right to watch all of them there is no other way.
    config_map_watches = [
        ConfigMapWatch(scheduler, MarkedConfigMaps(api, namespace), stop) for namespace in settings.namespaces or [None]
    ]
    scheduler.start()
    source_watch.start()
    for watch in config_map_watches:
        watch.start()
    logger.info("Started: namespaces %s, %d workers", ", ".join(settings.namespaces) or "all", settings.workers)
    stop.wait()
    logger.info("Stopping")
    source_watch.stop()
    ended = scheduler.stop(GRACE_SECONDS)
    logger.info("Stopped" if ended else "Stopped, with a call to AWS cut off")
    logging.shutdown()
    # A thread that still waits for a server could hold up an ordinary exit. All writes are done, or idempotent.
    os._exit(0)


def _policy(path: Path | None) -> Policy | None:
    """Read the policy file, once: what a changed file means for sources under way is best said by a restart."""
    if path is None:
        return None
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"--policy-file {path}: {error.strerror or type(error).__name__}"
        raise SettingsError(message) from error
    except (PolicyError, UnicodeDecodeError) as error:
        words = str(error) if isinstance(error, PolicyError) else "this is no UTF-8"
        message = f"--policy-file {path}: {words}"
        raise SettingsError(message) from error


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    return stop
