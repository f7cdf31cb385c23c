"""The CRD on a real API server: what it accepts, what it refuses and with which words, and what users see of it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml
from kubernetes import client, config

from sandbox.kube.kubectl import Kubectl
from sandbox.kube.operator_process import wait_for_kind
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kube.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
CRD_FILE = ROOT / "crds" / "appconfigsources.yaml"
DATA = ROOT / "tests" / "data" / "crd"
VALID = sorted((DATA / "valid").glob("*.yaml"))
INVALID = sorted((DATA / "invalid").glob("*.yaml"))
SAMPLES = [
    file
    for file in sorted((ROOT / "manifests" / "samples").rglob("*.yaml"))
    if "kind: AppConfigSource\n" in file.read_text(encoding="utf-8")
]
KUBECTL = Path(sys.executable).with_name("kubectl")
TIMEOUT = 30.0
EXPECT = "# expect: "
DIGEST = "sha256:" + "0123456789abcdef" * 4
TIME = "2026-01-02T03:04:05Z"
RECEIVED = {
    "versionLabel": "v42",
    "contentType": "application/json",
    "digest": DIGEST,
    "sizeBytes": 12,
    "receivedTime": TIME,
    "multiVariantFlags": 2,
}
WRITTEN = {
    "name": "checkout-config",
    "versionLabel": "v41",
    "digest": DIGEST,
    "keys": 1,
    "syncedTime": TIME,
    "resourceVersion": "88",
}


@dataclass(frozen=True)
class SourcesApi:
    """The AppConfigSources of one namespace, on an API server that has the CRD."""

    custom: client.CustomObjectsApi
    kubeconfig: Path
    cache: Path
    namespace: str

    def create(self, source: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create a source; unknown fields are errors."""
        created = self.custom.create_namespaced_custom_object(
            *self._kind, source, field_validation="Strict", dry_run="All" if dry_run else None
        )
        return cast("dict[str, Any]", created)

    def write_status(self, name: str, status: dict[str, Any]) -> dict[str, Any]:
        """Write the status of a source, as the operator does; unknown fields are errors."""
        written = self.custom.patch_namespaced_custom_object_status(
            *self._kind,
            name,
            {"status": status},
            field_validation="Strict",
            _content_type="application/merge-patch+json",
        )
        return cast("dict[str, Any]", written)

    def names(self, field_selector: str) -> list[str]:
        """List the names of the sources that the selector finds."""
        found = self.custom.list_namespaced_custom_object(*self._kind, field_selector=field_selector)
        return [item["metadata"]["name"] for item in cast("dict[str, Any]", found)["items"]]

    def kubectl(self, *args: str) -> str:
        """Run kubectl. A warning of the server is an error."""
        options = (
            f"--kubeconfig={self.kubeconfig}",
            f"--cache-dir={self.cache}",
            f"--namespace={self.namespace}",
            "--warnings-as-errors",
        )
        command = [str(KUBECTL), *options, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def _kind(self) -> tuple[str, str, str, str]:
        return "appconfig-operator.io", "v1alpha1", self.namespace, "appconfigsources"


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourcesApi]:
    """Install the CRD, and make a namespace for the module."""
    with config.new_client_from_config(str(control_plane.kubeconfig)) as api_client:  # type: ignore[no-untyped-call]
        core = client.CoreV1Api(api_client)
        namespace = f"crd-test-{secrets.token_hex(4)}"
        core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))
        api = SourcesApi(
            client.CustomObjectsApi(api_client), control_plane.kubeconfig, tmp_path_factory.mktemp("kubectl"), namespace
        )
        api.kubectl("apply", "--server-side", f"--filename={CRD_FILE}")
        wait_for_kind(Kubectl(control_plane.kubeconfig))
        yield api
        core.delete_namespace(namespace)


def source(name: str = "checkout", **spec: object) -> dict[str, Any]:
    """Make an AppConfigSource with the required fields and those given."""
    required = {"application": "shop", "environment": "production", "configurationProfile": "checkout"}
    return {
        "apiVersion": "appconfig-operator.io/v1alpha1",
        "kind": "AppConfigSource",
        "metadata": {"name": name},
        "spec": {**required, **spec},
    }


def condition(**fields: object) -> dict[str, object]:
    """Make a Ready condition."""
    good: dict[str, object] = {"type": "Ready", "status": "True", "reason": "Synced", "message": "up to date"}
    return {**good, "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1, **fields}


def stem(path: Path) -> str:
    """Name a test after its file."""
    return path.stem


def test_conditions_of_the_crd(api: SourcesApi) -> None:
    """The API server finds nothing to say against the schema: NonStructuralSchema would be a third condition."""
    crd = json.loads(api.kubectl("get", f"--filename={CRD_FILE}", "--output=json"))
    assert {c["type"]: c["status"] for c in crd["status"]["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }


@pytest.mark.parametrize("path", VALID, ids=stem)
def test_valid(api: SourcesApi, path: Path) -> None:
    """What is at the edge of what is allowed is accepted."""
    created = api.create(yaml.safe_load(path.read_text(encoding="utf-8")), dry_run=True)
    assert created["kind"] == "AppConfigSource"


@pytest.mark.parametrize("path", SAMPLES, ids=stem)
def test_samples(api: SourcesApi, path: Path) -> None:
    """Each sample is accepted, and says what it means: nothing is put in its place."""
    objects = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    (sample,) = (item for item in objects if item["kind"] == "AppConfigSource")
    del sample["metadata"]["namespace"]
    created = api.create(sample, dry_run=True)["spec"]
    parts = {part: created[part] | sample["spec"].get(part, {}) for part in ("featureFlags", "target")}
    assert created | sample["spec"] | parts == created


@pytest.mark.parametrize("path", INVALID, ids=stem)
def test_invalid(api: SourcesApi, path: Path) -> None:
    """One mistake is refused with the words that the file expects, and with a complaint about that field only."""
    text = path.read_text(encoding="utf-8")
    expected = [line.removeprefix(EXPECT) for line in text.splitlines() if line.startswith(EXPECT)]
    assert expected, "the file says nothing about what to expect"
    with pytest.raises(client.ApiException) as refusal:
        api.create(yaml.safe_load(text), dry_run=True)
    answer = json.loads(refusal.value.body or "")
    assert answer["code"] in {400, 422}
    for words in expected:
        assert words in answer["message"]
    assert len({cause["field"] for cause in answer.get("details", {}).get("causes", [])} - {"<nil>"}) <= 1


@pytest.mark.proves("spec.target")
def test_defaults(api: SourcesApi) -> None:
    """A source with the required fields only gets the documented defaults, and a status that nobody has written."""
    api.create(source("defaults"))
    created = json.loads(api.kubectl("get", "acs", "defaults", "--output=json"))
    assert created["spec"] == source()["spec"] | {
        "pollIntervalSeconds": 60,
        "suspend": False,
        "historyLimit": 3,
        "featureFlags": {"multiVariant": "DefaultVariant", "output": "AppConfig"},
        "target": {"format": "Raw", "envVarCase": "Upper", "compression": "None", "creationPolicy": "Owner"},
    }
    assert created["status"] == {"observedGeneration": -1}


def test_largest(api: SourcesApi) -> None:
    """The largest labels and annotations that the limits allow stay within the server's budget for the rules."""
    prefix = ".".join(["p" * 63] * 3 + ["p" * 61])
    keys = [f"{prefix}/{'n' * 61}{number:02}" for number in range(64)]
    target = {"labels": dict.fromkeys(keys, "v" * 63), "annotations": dict.fromkeys(keys, "v" * 4096)}
    assert api.create(source(target=target), dry_run=True)["spec"]["target"]["labels"] == target["labels"]


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 4, "conditions": [condition()]},
        {"conditions": [condition(message="m" * 32768), condition(type="Reconciling"), condition(type="Stalled")]},
        {"conditions": [condition(message="", status="Unknown", reason="R")]},
        {"source": RECEIVED | {"versionLabel": "", "contentType": "", "sizeBytes": 0}},
        {"target": WRITTEN | {"versionLabel": ""}},
        {"target": {key: value for key, value in WRITTEN.items() if key != "versionLabel"}},
        {"source": RECEIVED | {"versionLabel": "v" * 64, "contentType": "c" * 255, "sizeBytes": 4_096_000}},
        {"source": RECEIVED, "target": WRITTEN | {"syncedTime": "2026-01-02T03:04:05.678901Z"}},
        {"target": WRITTEN | {"name": "n" * 253, "resourceVersion": "18446744073709551615"}},
    ],
    ids=[
        "synced",
        "longest-message",
        "no-message",
        "empty-document",
        "no-label",
        "before",
        "longest-labels",
        "times",
        "longest-name",
    ],
)
def test_status_of_the_operator(api: SourcesApi, status: dict[str, Any]) -> None:
    """Nothing that the operator has to report is refused."""
    name = api.create(source("") | {"metadata": {"generateName": "status-"}})["metadata"]["name"]
    written = api.write_status(name, status)["status"]
    assert written == {"observedGeneration": -1} | status


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Ready"},
        {"conditions": [condition(reason="two words")]},
        {"conditions": [condition(status="Yes")]},
        {"conditions": [condition(), condition()]},
        {"source": RECEIVED | {"digest": "sha256:1234"}},
        {"target": WRITTEN | {"syncedTime": "yesterday"}},
        {"source": {"versionLabel": "v42"}},
    ],
    ids=["unknown-field", "reason", "condition-status", "condition-twice", "digest", "time", "incomplete"],
)
def test_status_mistakes(api: SourcesApi, status: dict[str, Any]) -> None:
    """A status that tools could not read is refused."""
    name = api.create(source("") | {"metadata": {"generateName": "status-"}})["metadata"]["name"]
    with pytest.raises(client.ApiException) as refusal:
        api.write_status(name, status)
    assert refusal.value.status in {400, 422}


def test_status_is_a_subresource(api: SourcesApi) -> None:
    """A status that a user writes with the resource is left out: only the status subresource can set it."""
    api.create(source("from-user") | {"status": {"observedGeneration": 7}})
    seen = json.loads(api.kubectl("get", "acs", "from-user", "--output=json"))
    assert seen["status"] == {"observedGeneration": -1}


def test_columns(api: SourcesApi) -> None:
    """`kubectl get acs` shows what the documentation says, and `-o wide` the rest."""
    api.create(source("columns", suspend=True))
    api.write_status(
        "columns",
        {
            "conditions": [condition(type="Stalled", message="other"), condition()],
            "source": RECEIVED,
            "target": WRITTEN,
        },
    )
    get = ("get", "acs", "columns")
    head, row = (line.split() for line in api.kubectl(*get).splitlines())
    assert head == ["NAME", "APPLICATION", "ENVIRONMENT", "PROFILE", "READY", "REASON", "VERSION", "SYNCED", "AGE"]
    assert row[:7] == ["columns", "shop", "production", "checkout", "True", "Synced", "v41"]
    assert row[7][-1] in "dy", "an age of days or years, as the time is long ago"
    wide_head, wide_row = (line.split(maxsplit=12) for line in api.kubectl(*get, "--output=wide").splitlines())
    assert wide_head == [*head, "CONFIGMAP", "AVAILABLE", "SUSPENDED", "MESSAGE"]
    assert wide_row[9:] == ["checkout-config", "v42", "true", "up to date"]


def test_category(api: SourcesApi) -> None:
    """`kubectl get appconfig` finds the sources."""
    api.create(source("category"))
    assert "appconfigsource.appconfig-operator.io/category" in api.kubectl("get", "appconfig", "--output=name")


@pytest.mark.parametrize("field", ["application", "environment", "configurationProfile"])
def test_field_selector(api: SourcesApi, field: str) -> None:
    """Sources can be listed by what they read."""
    name = f"select-{field.lower()}"
    api.create(source(name, **{field: f"only {field}"}))
    assert api.names(f"spec.{field}=only {field}") == [name]


def field_paths(properties: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Return the path of each field."""
    for name, field in properties.items():
        yield f"{prefix}{name}"
        yield from field_paths(field.get("properties", {}), f"{prefix}{name}.")


def test_explain(api: SourcesApi) -> None:
    """`kubectl explain` knows each field, and has something to say about it."""
    crd = yaml.safe_load(CRD_FILE.read_text(encoding="utf-8"))
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    paths = list(field_paths(spec))
    fields = {path.rpartition(".")[2] for path in paths}
    wait_until(lambda: "FIELDS" in api.kubectl("explain", "acs.spec"), TIMEOUT, "the description of the CRD")
    explained = api.kubectl("explain", "acs.spec", "--recursive").partition("FIELDS:")[2]
    assert {line.split()[0] for line in explained.splitlines() if "\t<" in line} == fields
    for field in paths:
        assert len(api.kubectl("explain", f"acs.spec.{field}").partition("DESCRIPTION:")[2].split()) > 5, field


def test_a_source_from_before_a_rule_gets_its_status_all_the_same(api: SourcesApi, tmp_path: Path) -> None:
    """The API server holds what does not change against no new rule, so an upgrade takes no source out of service."""
    crd = yaml.safe_load(CRD_FILE.read_text(encoding="utf-8"))
    rules = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"]
    rules[:] = [rule for rule in rules if "multiVariant" not in rule["rule"]]
    before = tmp_path / "before.yaml"
    before.write_text(yaml.safe_dump(crd), encoding="utf-8")
    raw: dict[str, object] = {"featureFlags": {"multiVariant": "Raw"}, "target": {"format": "JSON"}}

    def taken() -> bool:
        try:
            api.create(source("another", **raw), dry_run=True)
        except client.ApiException as error:
            return "multiVariant: Raw needs" not in str(error.body)
        return True

    assert not taken()
    apply = ("apply", "--server-side", "--force-conflicts")
    try:
        api.kubectl(*apply, f"--filename={before}")
        wait_until(taken, TIMEOUT, "the CRD of before")
        api.create(source("old", **raw))
    finally:
        api.kubectl(*apply, f"--filename={CRD_FILE}")
    wait_until(lambda: not taken(), TIMEOUT, "the CRD as it is")
    ready = condition(status="False", reason="UnsupportedContent")
    status = api.write_status("old", {"observedGeneration": 1, "conditions": [ready]})["status"]
    assert status["conditions"] == [ready]
