"""An operator that is killed before or after one of its writes, and starts again from what is in the cluster.

All of it is the operator's own, on a real API server: stores, poller, sessions, and the scheduler as it learns of
sources and ConfigMaps. Only AppConfig is played, and the clock.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from appconfig_operator.api.v1alpha1 import API_VERSION, KIND, PLURAL, Source
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.target.drift import snapshot, source_uid
from appconfig_operator.engine.poll import Poller
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.engine.sessions import Sessions
from appconfig_operator.kube.api import Api
from appconfig_operator.kube.config_map_metadata import ConfigMapMetadata
from appconfig_operator.kube.configmaps import ConfigMaps
from appconfig_operator.kube.history import History
from appconfig_operator.kube.sources import Sources
from tests.integration.support.kube_access import Administrator
from tests.unit.support.engine_fakes import FakeLeaseGuard, FakeMeter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appconfig_operator.core.sharding.handover import SavedSession

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_OF_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
NAME = "checkout"
REVISIONS = "/apis/apps/v1/namespaces/{}/controllerrevisions"


class KilledError(BaseException):
    """The process has been killed. No handler of errors sees it."""


class MortalApi(Api):
    """Counts writes, and ends the process before or after one of them."""

    def __init__(self, api: Api) -> None:
        super().__init__(api._client)
        self.writes: list[str] = []
        self.reads = 0
        self._kill_at = 0
        self._after = False
        self._dead = False

    def arm(self, kill_at: int, *, after: bool) -> None:
        """Kill it at that write from now on, counted from 1; with 0, never."""
        self.writes = []
        self._kill_at, self._after = kill_at, after

    def sized(self, method: str, path: str, **options: Any) -> tuple[dict[str, Any], int]:
        due = False
        if method != "GET":
            self.writes.append(f"{method} {path.rpartition('/namespaces/')[2]}")
            due = len(self.writes) == self._kill_at
        else:
            self.reads += 1
        if self._dead or (due and not self._after):
            self._dead = True
            raise KilledError
        answer = super().sized(method, path, **options)
        if due:
            self._dead = True
            raise KilledError
        return answer


@dataclass
class Deployment:
    """What AppConfig serves: to each session once."""

    content: Content

    def session(self, source: Source, saved: SavedSession | None = None) -> PlayedSession:
        assert source.uid
        assert saved is None
        return PlayedSession(self)


@dataclass
class PlayedSession:
    deployment: Deployment
    interval: int = 60
    given: Content | None = None

    def poll(self) -> Content | None:
        new = self.deployment.content
        if new is self.given:
            return None
        self.given = new
        return new

    def save(self) -> SavedSession | None:
        return None


@dataclass
class RecordedEvents:
    """Events, by reason."""

    notes: list[tuple[str, str]] = field(default_factory=list)

    def emit(self, source: Source, *, kind: Literal["Normal", "Warning"], reason: str, note: str) -> None:
        assert source.uid
        assert kind
        self.notes.append((reason, note))


class MortalOperator:
    """The operator from its start on, for one source."""

    def __init__(self, api: MortalApi, admin: Administrator, name: str, deployment: Deployment) -> None:
        self.now = 0.0
        self.reported = RecordedEvents()
        self.api = api
        self._admin, self._name = admin, name
        sessions = Sessions(deployment, monotonic=lambda: self.now, utc_now=lambda: NOW, random=lambda: 0.0)
        self.scheduler = Scheduler(sessions, shards=1, workers=10, monotonic=lambda: self.now)
        self.poller = Poller(
            service=deployment,
            config_maps=ConfigMaps(api),
            history=History(api),
            sources=Sources(api),
            events=self.reported,
            meter=FakeMeter(),
            monotonic=lambda: self.now,
            utc_now=lambda: NOW,
            random=lambda: 0.0,
        )
        self._hear()
        self.scheduler.start(0, FakeLeaseGuard(), {})

    def _hear(self) -> None:
        """Take in what the watches report."""
        self.scheduler.put(Source.from_dict(self._admin.get(PLURAL, self._name)))
        for _, page in ConfigMapMetadata(self.api, self._admin.namespace).list():
            for metadata in page:
                self.scheduler.observe(source_uid(metadata) or "", snapshot(metadata))

    def poll(self) -> str:
        (state,) = self.scheduler.states()
        assert state.poll_state is not None
        return self.poller.poll(state.source, state.poll_state).result

    def go_on(self, polls: int = 1) -> None:
        for _ in range(polls):
            self._hear()
            self.now += 400
            self.poll()


@dataclass(frozen=True)
class Step:
    """Something that a user does: deploys a version, or changes the spec."""

    content: Content | None = None
    spec: Mapping[str, Any] | None = None

    def do(self, admin: Administrator, name: str, deployment: Deployment) -> None:
        if self.content is not None:
            deployment.content = self.content
        if self.spec is not None:
            text = json.dumps(self.spec).replace("NAME", name)
            admin.patch(PLURAL, name, {"spec": json.loads(text)})


def content(text: str) -> Content:
    """Make a version whose text the API server re-encodes where it may."""
    return Content(f'{{"q": "a=1&b=<{text}>\u2028"}}'.encode(), "application/json", text)


def make(admin: Administrator, name: str) -> None:
    spec = {
        "application": "shop",
        "environment": "production",
        "configurationProfile": "checkout",
        "historyLimit": 2,
        "target": {"name": f"{name}-a", "key": "checkout.json"},
    }
    admin.create(PLURAL, {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec})


def end_state(admin: Administrator, name: str) -> dict[str, Any]:
    """Return all there is of a source, with what differs between two sources taken out."""
    source = admin.get(PLURAL, name)
    uid = source["metadata"]["uid"]
    status = source["status"]
    status.get("target", {}).pop("resourceVersion", None)
    maps = admin.api.call("GET", f"/api/v1/namespaces/{admin.namespace}/configmaps")["items"]
    maps = [item for item in maps if item["metadata"]["name"].startswith(f"{name}-")]
    kept = admin.api.call("GET", REVISIONS.format(admin.namespace))["items"]
    whole = {
        "status": status,
        "configMaps": [_plain(item) for item in maps],
        "revisions": [_plain(item) for item in kept],
    }
    text = json.dumps(whole, sort_keys=True).replace(uid, "UID").replace(uid[:8], "UID8")
    state: dict[str, Any] = json.loads(text.replace(admin.namespace, "NAMESPACE"))
    return state


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _OF_THE_SERVER}
    data = json.dumps(item.get("data"), sort_keys=True).encode()
    return {"metadata": metadata, "revision": item.get("revision"), "data": hashlib.sha256(data).hexdigest()}


@dataclass
class Ran:
    """What came of a run: the state after each step, and what was written for it."""

    states: list[dict[str, Any]] = field(default_factory=list)
    writes: list[list[str]] = field(default_factory=list)


class Run:
    """All steps, one after the other, in a namespace of their own: the watch reports all that is there.

    Parameters
    ----------
    api, admin_api
        As whom the operator, and the user, do it.
    """

    def __init__(self, api: Api, admin_api: Api) -> None:
        self.admin = Administrator(admin_api, f"test-{uuid.uuid4().hex[:10]}")
        admin_api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": self.admin.namespace}})
        make(self.admin, NAME)
        self._api = api

    def __call__(self, steps: Sequence[Step], *, kills: Mapping[int, int], after: bool = False, late: bool) -> Ran:
        """Do the steps.

        Parameters
        ----------
        steps
            What to do.
        kills
            At which write of a step to kill the operator, by the number of the step.
        after
            Whether to kill it after that write, and not before.
        late
            Whether it is started again only when the user has taken the next step.
        """
        ran = Ran()
        assert steps[0].content is not None
        deployment = Deployment(steps[0].content)
        process: MortalOperator | None = None
        for number, step in enumerate(steps):
            step.do(self.admin, NAME, deployment)
            mortal = process.api if process is not None else MortalApi(self._api)
            mortal.arm(kills.get(number, 0), after=after)
            try:
                process = process or MortalOperator(mortal, self.admin, NAME, deployment)
                process.go_on()
            except KilledError:
                process = None
            if process is None and not late:
                process = MortalOperator(MortalApi(self._api), self.admin, NAME, deployment)
                process.go_on()
            ran.writes.append(mortal.writes)
            ran.states.append(end_state(self.admin, NAME))
        assert process is not None
        process.go_on(polls=2)
        assert end_state(self.admin, NAME) == ran.states[-1], "it takes one poll to be in order"
        reported = {reason for reason, _ in process.reported.notes}
        assert reported <= {"Synced", "Pinned", "Drifted"}, "nothing went wrong"
        return ran
