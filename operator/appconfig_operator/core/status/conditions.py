"""Conditions: the state of a source as `Ready`, `Reconciling` and `Stalled`.

`Ready` is always present once the operator has seen the source. The other two are present only while true, which is how
kstatus reads them:
https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from __future__ import annotations

from dataclasses import dataclass

from appconfig_operator.api.status import Condition
from appconfig_operator.api.text import bounded, visible
from appconfig_operator.core.errors import SHOWN_AFTER, Reason, SourceError

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"

MESSAGE_LIMIT = 2048
"""Characters in a message. A condition allows 32,768, but a person has to read it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is true of a source now."""

    status: str
    reason: Reason
    message: str
    stalled: bool = False
    reconciling: bool = False


def shown(message: str) -> str:
    """Return a message that is fit for a condition: names that users chose may be long, and contain anything."""
    return bounded(visible(message), MESSAGE_LIMIT)


def version_name(label: str, data_digest: str) -> str:
    """Name a version in a message: by its label, or else by the whole digest, which `spec.pinnedDigest` accepts.

    Parameters
    ----------
    label
        Its label, or empty.
    data_digest
        Digest of its data, or empty if it cannot be rendered.
    """
    if label:
        return f"version {label}"
    return f"the version with digest {data_digest}" if data_digest else "a version without a label"


def synced(*, target: str, version_label: str, data_digest: str) -> Verdict:
    """Say that the ConfigMap holds the latest version."""
    return Verdict("True", Reason.SYNCED, f"ConfigMap {target} holds {version_name(version_label, data_digest)}.")


def pinned(*, target: str, label: str, data_digest: str, waiting: str | None, blocked: str = "") -> Verdict:
    """Say that the ConfigMap is held at a version.

    Parameters
    ----------
    target
        The ConfigMap.
    label, data_digest
        Those of the pinned version.
    waiting
        `version_name` of a newer version that AppConfig delivered, or `None`.
    blocked
        Why the newer one could not be written, or empty.
    """
    held = f"ConfigMap {target} is held at {version_name(label, data_digest)} by spec.pinnedDigest"
    newer = f" {waiting[0].upper()}{waiting[1:]} is waiting." if waiting else " AppConfig serves no other."
    problem = f" It could not be written: {blocked}" if blocked else ""
    return Verdict("True", Reason.PINNED, held + "." + newer + problem)


def failed(error: SourceError, *, failures: int, ready: Condition | None) -> Verdict | None:
    """Return the verdict that follows from an error.

    Parameters
    ----------
    error
        What went wrong.
    failures
        Transient failures in a row, including this one.
    ready
        The current `Ready` condition.

    Returns
    -------
    Verdict or None
        `None` if the conditions stay as they are.
    """
    if not error.transient or failures >= SHOWN_AFTER:
        reconciling = error.transient and not error.stalled
        return Verdict("False", error.reason, error.message, stalled=error.stalled, reconciling=reconciling)
    if ready is None or ready.status == "Unknown":
        return Verdict("Unknown", Reason.PROGRESSING, f"Retrying: {error.message}", reconciling=True)
    return None


def conditions(
    verdict: Verdict, *, previous: tuple[Condition, ...], generation: int, now: str
) -> tuple[Condition, ...]:
    """Turn a verdict into conditions.

    Parameters
    ----------
    verdict
        What is true now.
    previous
        The current conditions. If the status of one does not change, neither does its transition time.
    generation
        The generation of the spec that the verdict is about.
    now
        The transition time of those that do change, RFC 3339 in UTC.
    """
    wanted = {READY: verdict.status}
    if verdict.reconciling:
        wanted[RECONCILING] = "True"
    if verdict.stalled:
        wanted[STALLED] = "True"
    since = {condition.type: condition for condition in previous}
    message = shown(verdict.message)
    return tuple(
        Condition(
            type=kind,
            status=status,
            reason=verdict.reason,
            message=message,
            observed_generation=generation,
            last_transition_time=since[kind].last_transition_time
            if kind in since and since[kind].status == status
            else now,
        )
        for kind, status in wanted.items()
    )
