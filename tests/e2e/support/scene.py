"""What the e2e tests ask of a cluster and of AppConfig, in the words of the tests."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox import Place, wait_until
from sandbox.aws.data_plane import Operation
from sandbox.kube.rest import Rest, RestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox import AppConfig, ControlPlane, Process
    from sandbox.aws.data_plane import AppConfigProxy

Object = dict[str, Any]

ENVIRONMENT = "production"
PROFILE = "checkout"
TIMEOUT = 20.0

CANARY = "can4rybird"
"""It is in the values of all content that the tests deploy, and in nothing that the operator shows: see canary.py."""

_SOURCES = "/apis/appconfig-operator.io/v1alpha1/namespaces/{}/appconfigsources"
_CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
_EVENTS = "/apis/events.k8s.io/v1/namespaces/{}/events"


def value(text: str) -> str:
    """Make a value to deploy, with the canary in it."""
    return f"{CANARY} {text}"


def administrator(control_plane: ControlPlane) -> Rest:
    users = json.loads(control_plane.kubeconfig.read_text(encoding="utf-8"))["users"]
    return Rest(control_plane.url, control_plane.ca_file, users[0]["user"]["token"])


@dataclass(frozen=True)
class Scene:
    """A namespace of the test's own, and an application of the same name in AppConfig."""

    api: Rest
    appconfig: AppConfig
    namespace: str

    def create_namespace(self) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.api.request("POST", "/api/v1/namespaces", body)

    def deploy(
        self,
        content: bytes,
        *,
        profile: str = PROFILE,
        content_type: str = "application/json",
        label: str | None = None,
    ) -> None:
        assert CANARY.encode() in content, "whether a value of it is reported, nobody could see"
        self.appconfig.deploy(
            self.namespace, ENVIRONMENT, profile, content, content_type=content_type, version_label=label
        )

    def deploy_flags(self, values: Mapping[str, Any], *, profile: str = PROFILE, label: str | None = None) -> None:
        """Deploy feature flags: their values, as AppConfig stores them."""
        self.appconfig.create_profile(self.namespace, profile, "AWS.AppConfig.FeatureFlags")
        document = {"version": "1", "flags": {}, "values": values}
        self.deploy(json.dumps(document).encode(), profile=profile, label=label)

    def place(self, profile: str = PROFILE) -> Place:
        """Name what `deploy` deploys to, as sources do."""
        return Place(self.namespace, ENVIRONMENT, profile)

    def apply(self, name: str, *, target: Mapping[str, Any] | None = None, **spec: object) -> Object:
        """Create a source for what `deploy` deploys by default."""
        body = {
            "apiVersion": "appconfig-operator.io/v1alpha1",
            "kind": "AppConfigSource",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "application": self.namespace,
                "environment": ENVIRONMENT,
                "configurationProfile": PROFILE,
                "pollIntervalSeconds": 15,
                "target": dict(target or {}),
                **spec,
            },
        }
        made: Object = self.api.json("POST", self._sources, body)
        return made

    def change(self, name: str, **spec: object) -> Object:
        """Set fields of a source's spec."""

        def changed() -> Object | None:
            source = self.source(name)
            source["spec"].update(spec)
            try:
                answer: Object = self.api.json("PUT", f"{self._sources}/{name}", source)
            except RestError as error:
                if error.status == http.client.CONFLICT:
                    return None
                raise
            return answer

        answer = wait_until(changed, TIMEOUT, f"a change of {name}")
        assert answer is not None
        return answer

    def delete(self, name: str) -> None:
        self.api.request("DELETE", f"{self._sources}/{name}")

    def source(self, name: str) -> Object:
        found: Object = self.api.json("GET", f"{self._sources}/{name}")
        return found

    def sources(self) -> list[Object]:
        found: list[Object] = self.api.json("GET", self._sources)["items"]
        return found

    def write_config_map(self, name: str, data: Mapping[str, str], **fields: object) -> Object:
        """Create a ConfigMap as somebody else would."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data), **fields}
        made: Object = self.api.json("POST", self._config_maps, body)
        return made

    def replace_config_map(self, name: str, data: Mapping[str, str]) -> Object:
        """Delete a ConfigMap and create another one as somebody else would, before the operator makes its own again."""

        def replaced() -> Object | None:
            self.api.request("DELETE", f"{self._config_maps}/{name}")
            try:
                return self.write_config_map(name, data)
            except RestError as error:
                if error.status == http.client.CONFLICT:
                    return None  # the operator was faster
                raise

        theirs = wait_until(replaced, TIMEOUT, f"another ConfigMap {name}")
        assert theirs is not None
        return theirs

    def delete_config_map(self, name: str) -> None:
        self.api.request("DELETE", f"{self._config_maps}/{name}")

    def has_config_map(self, name: str) -> bool:
        return self.api.exists(f"{self._config_maps}/{name}")

    def config_map(self, name: str) -> Object:
        found: Object = self.api.json("GET", f"{self._config_maps}/{name}")
        return found

    def config_maps(self) -> list[Object]:
        """All but the one that Kubernetes puts into each namespace."""
        found: list[Object] = self.api.json("GET", self._config_maps)["items"]
        return [item for item in found if item["metadata"]["name"] != "kube-root-ca.crt"]

    def config_map_writes(self, since: str) -> list[Object]:
        """Give each state that ConfigMaps have had since a resourceVersion, as the API server's own history has it."""
        query = f"watch=true&resourceVersion={since}&timeoutSeconds=2"
        lines = self.api.request("GET", f"{self._config_maps}?{query}").splitlines()
        changes = [json.loads(line) for line in lines]
        assert all(change["type"] != "ERROR" for change in changes), changes
        return [change["object"] for change in changes if change["type"] in {"ADDED", "MODIFIED"}]

    def resource_version(self) -> str:
        """Return the resourceVersion of the cluster now."""
        return str(self.api.json("GET", self._config_maps)["metadata"]["resourceVersion"])

    def events(self, name: str) -> list[tuple[str, str]]:
        """Give type and reason of the Events about a source, oldest first."""
        about = [event for event in self.raw_events() if event["regarding"]["name"] == name]
        return [(event["type"], event["reason"]) for event in sorted(about, key=lambda event: event["eventTime"])]

    def wait_for_events(self, name: str, expected: list[tuple[str, str]]) -> None:
        """Wait until there are as many Events as expected, and check that they are those."""
        events = wait_until(
            lambda: found if len(found := self.events(name)) >= len(expected) else None, TIMEOUT, f"Events about {name}"
        )
        assert events == expected

    def raw_events(self) -> list[Object]:
        found: list[Object] = self.api.json("GET", _EVENTS.format(self.namespace))["items"]
        return found

    def wait_for(self, name: str, reason: str, *, generation: int = 1, timeout: float = TIMEOUT) -> Object:
        """Wait until Ready has a reason that is about that generation of the source, or a later one."""
        seen: list[str] = []

        def there() -> Object | None:
            source = self.source(name)
            ready = condition(source, "Ready")
            seen[:] = [json.dumps(source.get("status"))]
            met = ready is not None and ready["reason"] == reason and ready["observedGeneration"] >= generation
            return source if met else None

        try:
            source = wait_until(there, timeout, f"{reason} of {name}")
        except TimeoutError as error:
            error.add_note(f"status: {''.join(seen)}")
            raise
        assert source is not None
        return source

    def wait_for_all(self, names: Iterable[str], reason: str) -> None:
        for name in names:
            self.wait_for(name, reason)

    def wait_for_content(self, name: str, data: Mapping[str, str], timeout: float = TIMEOUT) -> Object:
        return (
            wait_until(
                lambda: (
                    found
                    if self.has_config_map(name) and (found := self.config_map(name)).get("data") == data
                    else None
                ),
                timeout,
                f"{data} in ConfigMap {name}",
            )
            or {}
        )

    @property
    def _sources(self) -> str:
        return _SOURCES.format(self.namespace)

    @property
    def _config_maps(self) -> str:
        return _CONFIG_MAPS.format(self.namespace)


def condition(source: Object, kind: str) -> Object | None:
    found = source.get("status", {}).get("conditions", ())
    return next((item for item in found if item["type"] == kind), None)


def check_log(process: Process) -> None:
    """Check that the log of an operator shows no bug."""
    for trouble in ("A poll failed with", "The watch ended", "The thread ", "The process ended with", "Traceback"):
        assert trouble not in process.log, process.log


def wait_for_silence(proxy: AppConfigProxy, place: Place, *, beside: Place) -> None:
    """Wait until a place is polled no more while another is polled three times."""

    def silent() -> bool:
        since = time.monotonic()
        wait_until(
            lambda: proxy.count(Operation.LATEST, place=beside, since=since) >= 3, TIMEOUT, f"polls of {beside.profile}"
        )
        return proxy.count(place=place, since=since) == 0

    wait_until(silent, TIMEOUT, f"the end of the calls about {place.profile}")
