"""The service's view of MiniStack: what exists, and what a session gets. Its only state are its sessions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.aws.appconfig import Place
from sandbox.aws.data_plane.messages import (
    INITIAL_TOKEN,
    NEXT_TOKEN,
    VERSION_LABEL,
    Answer,
    Incoming,
    Problem,
    compact,
    invalid_token,
    no_deployment,
    not_found,
)

if TYPE_CHECKING:
    from sandbox.aws.data_plane.upstream import Upstream

_FLAGS = "AWS.AppConfig.FeatureFlags"
_ID = re.compile("[a-z0-9]{4,7}")
# MiniStack returns one page, without a token for the next.
_ALL = "max_results=10000"
_UNTYPED = "application/octet-stream"
_SERVED_FROM = {"BAKE_TIME_STARTED", "DEPLOYMENT_COMPLETED"}
_SERVED_UNTIL = {"ROLLBACK_COMPLETED", "REVERT_COMPLETED"}


@dataclass(frozen=True)
class Content:
    """A version in MiniStack: flags with all their variants."""

    body: bytes
    content_type: str
    version_label: str = ""


@dataclass
class Feed:
    """A MiniStack session, behind one of ours."""

    ids: Place
    """Identifiers, never names: a resource that is deleted and created again under the same name is a different one."""
    flags: bool
    """Whether the profile contains feature flags."""
    token: str
    """The next token."""
    content: Content | None = None
    """The version that is served now; None: nothing."""
    serial: int = 0
    """Which version of this session that is, from 1."""


class Backend(Protocol):
    """What the service needs to know."""

    def forward(self, request: Incoming) -> Answer:
        """Forward a request unchanged."""

    def admit(self, request: Incoming) -> Answer | None:
        """Refuse a poll that the caller is not allowed to make."""

    def open(self, request: Incoming) -> Feed | Answer:
        """Start to serve the place that StartConfigurationSession names, or refuse."""

    def refresh(self, feed: Feed, request: Incoming) -> Answer | None:
        """Update what is served now, or refuse."""

    def earlier(self, feed: Feed, request: Incoming, then: float) -> Content | None:
        """Return what was served at a Unix time; None: nothing."""

    def modified(self, feed: Feed, request: Incoming) -> float:
        """Return the time of the newest deployment, in Unix time."""

    def identify(self, place: Place) -> Place:
        """Look up names, which must exist."""


class MiniStackBackend:
    """MiniStack, called as the caller if it allows everything to everyone, and as its root otherwise.

    Parameters
    ----------
    upstream
        Reaches it.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._checks_access = False

    def forward(self, request: Incoming) -> Answer:
        """Forward a request unchanged."""
        return self._upstream(request)

    def admit(self, request: Incoming) -> Answer | None:
        """Refuse a poll that the caller may not make. MiniStack checks the caller before it rejects our token."""
        if not self._checks_access:
            return None
        answer = self._upstream(request)
        return None if answer.status == HTTPStatus.BAD_REQUEST else answer

    def open(self, request: Incoming) -> Feed | Answer:
        """Start to serve the place that StartConfigurationSession names, or refuse as AWS does."""
        answer = self._upstream(request)
        if answer.status not in {HTTPStatus.CREATED, HTTPStatus.NOT_FOUND}:
            return answer
        found = self._resolve(request.place, request)
        if isinstance(found, Answer):
            return found
        if answer.status != HTTPStatus.CREATED:
            return answer  # just created
        ids, flags = found
        feed = Feed(ids, flags, json.loads(answer.body)[INITIAL_TOKEN])
        refused = self.refresh(feed, request)
        if refused is not None:
            return refused
        return feed if feed.content is not None else no_deployment(request.place)

    def refresh(self, feed: Feed, request: Incoming) -> Answer | None:
        """Update what is served now through MiniStack's session, which knows if a gradual deployment reached it."""
        answer = self._ask("GET", f"/configuration?configuration_token={feed.token}", request)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return answer
        if answer.status != HTTPStatus.OK:  # MiniStack was restarted
            return invalid_token(Problem.CORRUPTED)
        feed.token = answer.header(NEXT_TOKEN)
        content = Content(answer.body, answer.header("Content-Type"), answer.header(VERSION_LABEL))
        there = feed.content
        if content.body or (there is not None and content.version_label not in {"", there.version_label}):
            feed.content, feed.serial = content, feed.serial + 1
        elif content == Content(b"", _UNTYPED) and not self._still_there(feed, request):
            feed.content = None
        return None

    def earlier(self, feed: Feed, request: Incoming, then: float) -> Content | None:
        """Return what was served at a Unix time, by the events of the deployments."""
        base = f"/applications/{feed.ids.application}"
        deployments = f"{base}/environments/{feed.ids.environment}/deployments"
        for item in reversed(self._items(f"{deployments}?{_ALL}", request)):
            one = self._json(f"{deployments}/{item['DeploymentNumber']}", request)
            if one["ConfigurationProfileId"] == feed.ids.profile and _served(one["EventLog"], then):
                version = f"{base}/configurationprofiles/{feed.ids.profile}/hostedconfigurationversions"
                answer = self._ask("GET", f"{version}/{one['ConfigurationVersion']}", request)
                body = json.dumps(json.loads(answer.body)["values"]).encode() if feed.flags else answer.body
                return Content(body, answer.header("Content-Type"), answer.header("VersionLabel"))
        return None

    def modified(self, feed: Feed, request: Incoming) -> float:
        """Return the time of the environment's newest deployment, in Unix time."""
        path = f"/applications/{feed.ids.application}/environments/{feed.ids.environment}/deployments?{_ALL}"
        return max(_unix(item.get("CompletedAt") or item["StartedAt"]) for item in self._items(path, request))

    def identify(self, place: Place) -> Place:
        """Look up names, which must exist."""
        found = self._look_up(place, Incoming("GET", "/"))
        if isinstance(found, str):
            raise LookupError(f"{found} of {place}")  # noqa: TRY004 - the word says what is missing
        return found[0]

    def _resolve(self, place: Place, request: Incoming) -> tuple[Place, bool] | Answer:
        """Look up application, profile and environment, in this order: identifiers, and whether it contains flags."""
        found = self._look_up(place, request)
        if not isinstance(found, str):
            return found
        # Three identifiers are looked up together, in what is deployed. This was recorded for three deleted ones;
        # for names that look like identifiers, it is unknown.
        if all(_ID.fullmatch(one) for one in (place.application, place.environment, place.profile)):
            return no_deployment(place)
        named = {"Application": place.application, "Environment": place.environment}.get(found, place.profile)
        return not_found(found, **{f"{found}Identifier": named})

    def _look_up(self, place: Place, request: Incoming) -> tuple[Place, bool] | str:
        application = _named(self._items(f"/applications?{_ALL}", request), place.application)
        if application is None:
            return "Application"
        base = f"/applications/{application['Id']}"
        profile = _named(self._items(f"{base}/configurationprofiles?{_ALL}", request), place.profile)
        if profile is None:
            return "ConfigurationProfile"
        environment = _named(self._items(f"{base}/environments?{_ALL}", request), place.environment)
        if environment is None:
            return "Environment"
        return Place(application["Id"], environment["Id"], profile["Id"]), profile.get("Type") == _FLAGS

    def _still_there(self, feed: Feed, request: Incoming) -> bool:
        """Distinguish nothing new from nothing deployed, by a new session, if there is neither a type nor a label."""
        if feed.content is None or (feed.content.content_type, feed.content.version_label) != (_UNTYPED, ""):
            return False
        asked = {
            "ApplicationIdentifier": feed.ids.application,
            "EnvironmentIdentifier": feed.ids.environment,
            "ConfigurationProfileIdentifier": feed.ids.profile,
        }
        started = self._ask("POST", "/configurationsessions", request, compact(asked))
        if started.status != HTTPStatus.CREATED:
            return False
        token = json.loads(started.body)[INITIAL_TOKEN]
        return bool(self._ask("GET", f"/configuration?configuration_token={token}", request).body)

    def _items(self, path: str, request: Incoming) -> list[dict[str, Any]]:
        """List what exists; nothing if its owner is gone."""
        found: list[dict[str, Any]] = self._json(path, request).get("Items", [])
        return found

    def _json(self, path: str, request: Incoming) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self._ask("GET", path, request).body)
        return parsed

    def _ask(self, method: str, path: str, request: Incoming, body: bytes = b"") -> Answer:
        if request.access_key and not self._checks_access:
            # The caller's account and region; the signature is not checked.
            answer = self._upstream(Incoming(method, path, request.headers, body))
            if answer.status != HTTPStatus.FORBIDDEN:
                return answer
            self._checks_access = True
        return self._upstream.as_root(Incoming(method, path, {}, body), request.region)


def _named(items: list[dict[str, Any]], identifier: str) -> dict[str, Any] | None:
    """Find an item by identifier, or else by name."""
    for member in ("Id", "Name"):
        for item in items:
            if item[member] == identifier:
                return item
    return None


def _served(events: list[dict[str, str]], then: float) -> bool:
    before = {event["EventType"] for event in events if _unix(event["OccurredAt"]) <= then}
    return bool(before & _SERVED_FROM) and not before & _SERVED_UNTIL


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
