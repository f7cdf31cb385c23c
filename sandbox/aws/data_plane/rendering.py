"""What a caller gets of a version: freeform unchanged, flags depending on what the caller accepts. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.aws.data_plane import ion
from sandbox.aws.data_plane.experiments import Experiment, during
from sandbox.aws.data_plane.flags import flatten, has_variants, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.aws.data_plane.backend import Content
    from sandbox.aws.data_plane.tokens import Rules


@dataclass(frozen=True)
class Served:
    """A body, its type, and its other metadata."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    rules: bool = False
    """Whether it contains the rules of flags."""


def takes_ion(accept: str) -> bool:
    """Return whether an ``Accept`` header requests flags with their rules."""
    first = accept.replace(" ", "").lower().split(",")[0]
    return first.startswith("application/ion;type=aws.appconfig.featureflags")


def render(content: Content, accept: str, running: Sequence[Experiment], rules: Rules) -> Served:
    """Return what a caller gets of flags.

    Parameters
    ----------
    content
        The version in MiniStack.
    accept
        The caller's ``Accept`` header.
    running
        Experiments, newest first.
    rules
        Decide what is unknown about AWS.

    Returns
    -------
    Served
        What it gets.

    Raises
    ------
    ValueError
        If it is unknown how AWS would write it.
    """
    stored = read(content.body)
    if stored is None:
        return Served(content.body, content.content_type)
    wanted = takes_ion(accept)
    flags = during(stored, running if wanted or rules.default_in_experiments else ())
    if wanted and (rules.ion_for_basic or any(map(has_variants, flags.values()))):
        headers = {"Experiment-Flags": ";".join(run.header for run in running)} if running else {}
        return Served(ion.encode(flags), ion.CONTENT_TYPE, headers, rules=True)
    return Served(flatten(flags), content.content_type)
