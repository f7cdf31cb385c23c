"""Events about a source, as `kubectl describe` and `kubectl events` show them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from appconfig_operator.api.text import visible
from appconfig_operator.api.v1alpha1 import API_VERSION, GROUP, KIND
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.paths import resource_path
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.kube.api import Api

logger = logging.getLogger(__name__)

Kind = Literal["Normal", "Warning"]

NOTE_LIMIT = 1024
"""Bytes that the API server takes as the note of an Event."""

_PREFIX_LENGTH = 200  # of 253, with room for what the API server adds

CONTROLLER = f"{GROUP}/appconfig-operator"


@dataclass(frozen=True, slots=True)
class Event:
    """An Event that is to be written, and the `extra` of a log record about it."""

    body: Mapping[str, Any]
    about: dict[str, str]


class Events:
    """Writes `events.k8s.io/v1` Events.

    Parameters
    ----------
    api
        The API server.
    instance
        Who reports: the name of the Pod.
    """

    def __init__(self, api: Api, *, instance: str) -> None:
        self._api = api
        self._instance = instance

    def emit(self, source: Source, *, kind: Kind, reason: str, note: str) -> None:
        """Write one Event. A lost one is logged and not tried again: the condition says the same."""
        self.post(self.prepare(source, kind=kind, reason=reason, note=note))

    def prepare(self, source: Source, *, kind: Kind, reason: str, note: str) -> Event:
        """Make an Event of this moment."""
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": source.namespace, "generateName": _prefix(source.name)},
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": kind,
            "reason": reason,
            "action": "Sync",
            "note": visible(note).encode()[:NOTE_LIMIT].decode(errors="ignore"),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance[:128],
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "namespace": source.namespace,
                "name": source.name,
                "uid": source.uid,
                "resourceVersion": source.resource_version,
            },
        }
        return Event(body, about(source))

    def post(self, event: Event) -> None:
        """Write an Event that was prepared before, or log that it could not be written."""
        namespace = event.body["metadata"]["namespace"]
        try:
            self._api.call("POST", resource_path("events", namespace), body=event.body)
        except (ApiError, UnreachableError) as error:
            words = error.explanation if isinstance(error, ApiError) else f"no answer ({error})."
            logger.warning("Event %s not written: %s", event.body["reason"], words, extra=event.about)


def _prefix(name: str) -> str:
    """Return what the API server makes the name of the Event from. It has to end like a name, and a dash."""
    return name[:_PREFIX_LENGTH].rstrip(".-") + "-"
