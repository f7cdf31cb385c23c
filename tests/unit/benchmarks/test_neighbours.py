"""Storms, regions that lead elsewhere, and how long guests wait."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from benchmarks import routes
from benchmarks.blackhole import Blackhole
from benchmarks.guests import Waits
from benchmarks.storms import NOWHERE, STORMS, mixed
from benchmarks.tenants import Tenant

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.api import Api


class RecordingApi:
    """An API server as far as it is asked."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        if method == "GET" and path not in self.objects:
            return {"items": [item for key, item in self.objects.items() if key.startswith(f"{path}/")]}
        if method == "GET":
            return json.loads(json.dumps(self.objects[path]))
        if method == "DELETE":
            return self.objects.pop(path)
        if method == "PUT":
            body["metadata"]["generation"] += 1
            self.objects[path] = body
            return body
        self.objects[f"{path}/{body['metadata']['name']}"] = {**body, "metadata": {**body["metadata"], "generation": 1}}
        return body

    def become_ready(self, name: str, generation: int) -> None:
        (source,) = (value for key, value in self.objects.items() if key.endswith(f"/{name}"))
        ready = {"type": "Ready", "status": "True", "observedGeneration": generation}
        source["status"] = {"conditions": [{"type": "Other"} | ready, ready]}


@pytest.fixture
def cluster() -> RecordingApi:
    return RecordingApi()


@pytest.fixture
def tenant(cluster: RecordingApi) -> Tenant:
    return Tenant(cast("Api", cluster), "shop")


def test_a_guest_waits_until_its_generation_is_ready(cluster: RecordingApi, tenant: Tenant) -> None:
    clock = [100.0]
    waits = Waits(tenant, lambda: clock[0])
    waits.create("new", {})
    clock[0] += 1
    waits.look()
    assert waits.seconds == []
    cluster.become_ready("new", 1)
    waits.look()
    assert waits.seconds == [1.0]
    waits.change("new", {"configurationProfile": "other"})
    clock[0] += 3
    waits.look()
    assert waits.seconds == [1.0]
    cluster.become_ready("new", 2)
    waits.look()
    assert (waits.seconds, waits.end()) == ([1.0, 3.0], 0)


def test_a_guest_who_still_waits_counts_as_late_as_it_is(tenant: Tenant) -> None:
    clock = [100.0]
    waits = Waits(tenant, lambda: clock[0])
    waits.create("new", {})
    clock[0] += 7
    assert (waits.end(), waits.seconds) == (1, [7.0])


def test_sources_are_created_and_deleted(tenant: Tenant, cluster: RecordingApi) -> None:
    tenant.create_all({"one": {}, "two": {"application": "hangs"}})
    tenant.delete_all(["one"])
    (left,) = (value for key, value in cluster.objects.items() if "/appconfigsources/" in key)
    assert (left["metadata"]["name"], left["spec"]["application"]) == ("two", "hangs")


def test_each_storm_has_kinds_of_its_own() -> None:
    kinds = {name: [json.dumps(storm.spec(number)) for number in range(4)] for name, storm in STORMS.items()}
    assert len(set(kinds["roles"])) == 4
    assert len(set(kinds["one-role"])) == 1
    assert len({json.dumps(mixed(number)) for number in range(20)}) >= 4 + 4


def test_a_region_leads_where_it_is_to_and_the_others_where_all_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in routes.environment(tmp_path, {NOWHERE: "http://127.0.0.1:1"}).items():
        monkeypatch.setenv(name, value)
    session = boto3.session.Session("test", "test")
    led = {}
    for region in (NOWHERE, "eu-west-1"):
        client = session.client(
            "appconfigdata",
            region,
            endpoint_url="http://127.0.0.1:2",
            config=Config(retries={"total_max_attempts": 1}),
        )
        with pytest.raises(EndpointConnectionError) as refused:
            client.get_latest_configuration(ConfigurationToken="x")
        led[region] = refused.value.kwargs["endpoint_url"]
    assert {region: urlsplit(url).port for region, url in led.items()} == {NOWHERE: 1, "eu-west-1": 2}


def test_no_connection_comes_about_with_a_blackhole() -> None:
    with Blackhole() as hole, socket.socket() as client:
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.connect(("127.0.0.1", urlsplit(hole.url).port))
