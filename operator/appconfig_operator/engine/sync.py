"""One sync of a ConfigMap, in its order: plan, keep what the plan replaces, write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import OvertakenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.core.target.plan import WantedConfigMap
    from appconfig_operator.core.target.planned_write import WriteResult
    from appconfig_operator.core.target.rendered_version import RenderedVersion
    from appconfig_operator.engine.ports import ConfigMapStore

ATTEMPTS = 5
"""Attempts before other writers of the same ConfigMap get time."""


def sync(
    config_maps: ConfigMapStore, wanted: WantedConfigMap, *, known: bool, keep: Callable[[RenderedVersion], None]
) -> WriteResult:
    """Bring a ConfigMap to what is wanted, and keep the version that is replaced before it is.

    A plan is good for the ConfigMap that was read, and the API server refuses its write once someone else has changed
    that ConfigMap. Then all of it begins again, so whatever races, no version is replaced that was not kept first.

    Parameters
    ----------
    config_maps
        Where it is.
    wanted
        The ConfigMap as the source wants it.
    known
        Whether it was written before.
    keep
        Keeps a version.

    Raises
    ------
    SourceError
        `TargetNotOwned`, `TargetMissing`, `TargetConflict`, `TargetRejected` or `TargetUnavailable`, and what `keep`
        raises.
    """
    if wanted.policy is CreationPolicy.MERGE:
        return config_maps.merge(wanted)  # keys among those of others: no version that one could go back to
    for _ in range(ATTEMPTS - 1):
        try:
            return _attempt(config_maps, wanted, known=known, keep=keep)
        except OvertakenError:
            known = True
    return _attempt(config_maps, wanted, known=known, keep=keep)


def _attempt(
    config_maps: ConfigMapStore, wanted: WantedConfigMap, *, known: bool, keep: Callable[[RenderedVersion], None]
) -> WriteResult:
    planned = config_maps.plan(wanted, known=known)
    if planned.replaced is not None:
        keep(planned.replaced)
    return config_maps.write(planned)
