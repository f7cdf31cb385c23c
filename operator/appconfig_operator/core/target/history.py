"""Which replaced versions there are, which number comes next, and which fall out of the limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import CONTENT_TYPE, DIGEST
from appconfig_operator.api.status import KeptVersion
from appconfig_operator.api.text import label
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.core.target.revision import NUMBER_LIMIT, version_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHOWN = 60
"""Kept versions that a status has at most: it takes 64, and the limit of a spec is 50."""


def replaced_version(observed: Mapping[str, Any]) -> RenderedVersion | None:
    """Return the version that a ConfigMap holds, or `None` when its data is not what the operator wrote."""
    annotations = observed["metadata"].get("annotations") or {}
    data = Data(text=observed.get("data") or {}, binary=observed.get("binaryData") or {})
    if annotations.get(DIGEST) != data.data_digest:
        return None
    return RenderedVersion(data=data, label=version_label(annotations), content_type=annotations.get(CONTENT_TYPE, ""))


@dataclass(frozen=True, slots=True)
class Cut:
    """A history, newest first, and what is kept beside it and is to go."""

    history: tuple[KeptVersion, ...]
    spare: tuple[KeptVersion, ...]


def counted(kept: Iterable[KeptVersion]) -> Cut:
    """Make a history of what is really kept. Of a version that appears twice, one was to be replaced by the other."""
    history: list[KeptVersion] = []
    spare: list[KeptVersion] = []
    for one in sorted(kept, key=lambda one: one.revision, reverse=True):
        known = {other.data_digest for other in history}
        (spare if one.data_digest in known or len(history) == SHOWN else history).append(one)
    return Cut(tuple(history), tuple(spare))


def remembered(
    history: tuple[KeptVersion, ...], version: RenderedVersion, *, given: Iterable[KeptVersion] = (), now: str
) -> tuple[Cut, KeptVersion]:
    """Put a replaced version on top of a history. One that was there already moves up.

    Parameters
    ----------
    history
        What is kept.
    version
        What is replaced.
    given
        Others that have had a number, which is not given out again.
    now
        RFC 3339 in UTC.
    """
    data_digest = version.data.data_digest
    numbers = [kept.revision for kept in (*history, *given)]
    number = max((number for number in numbers if number < NUMBER_LIMIT), default=0) + 1
    newest = KeptVersion(
        data_digest=data_digest, version_label=label(version.label), revision=number, replaced_time=now
    )
    others = tuple(kept for kept in history if kept.data_digest != data_digest)
    return Cut((newest, *others), tuple(kept for kept in history if kept.data_digest == data_digest)), newest


def pruned(history: tuple[KeptVersion, ...], *, limit: int, pinned: str | None) -> Cut:
    """Cut a history to its limit, oldest first. A pinned version is never dropped, and counts."""
    keep = [kept for kept in history if kept.data_digest == pinned]
    for kept in history:
        if kept not in keep and len(keep) < limit:
            keep.append(kept)
    return Cut(
        history=tuple(kept for kept in history if kept in keep),
        spare=tuple(kept for kept in history if kept not in keep),
    )
