from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.api.status import UNSEEN, Condition, ReceivedVersion, Status, WrittenTarget
from appconfig_operator.api.v1alpha1 import (
    AssumeRole,
    Compression,
    CreationPolicy,
    Credentials,
    EnvVarCase,
    FeatureFlags,
    FlagOutput,
    Format,
    MultiVariant,
    Source,
    Spec,
    Target,
)

BODY: dict[str, Any] = {
    "metadata": {
        "namespace": "shop",
        "name": "checkout",
        "uid": "u",
        "generation": 3,
        "resourceVersion": "9",
    },
    "spec": {
        "application": "shop",
        "environment": "production",
        "configurationProfile": "checkout",
        "pollIntervalSeconds": 60,
        "suspend": False,
        "target": {"format": "Raw", "creationPolicy": "Owner"},
    },
}


def test_a_resource_with_the_defaults_of_the_crd() -> None:
    source = Source.from_dict(BODY)
    assert (source.namespace, source.name, source.uid, source.generation) == ("shop", "checkout", "u", 3)
    assert source.spec.target.name == "checkout"
    assert source.spec.target.key is None
    assert source.spec.region is None
    assert not source.deleting
    assert source.status == Status(observed_generation=UNSEEN)


def test_a_resource_with_every_field() -> None:
    target = {
        "name": "n",
        "key": "k",
        "format": "Dotenv",
        "separator": "__",
        "prefix": "App.",
        "envVarCase": "Preserve",
        "compression": "Gzip",
        "creationPolicy": "Merge",
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
    }
    spec = BODY["spec"] | {
        "region": "eu-west-1",
        "suspend": True,
        "target": target,
        "contentType": "application/json",
        "select": "/a",
        "credentials": {
            "serviceAccountRef": {"name": "sa"},
            "assumeRole": {"roleArn": "arn:aws:iam::111122223333:role/shop", "externalId": "x"},
        },
        "featureFlags": {"multiVariant": "DefaultVariant", "output": "Flagd"},
        "historyLimit": 0,
        "pinnedDigest": "sha256:0",
    }
    metadata = BODY["metadata"] | {
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {"appconfig-operator.io/requestedAt": "now"},
    }
    source = Source.from_dict({"metadata": metadata, "spec": spec})
    assert source.deleting
    assert source.requested_at == "now"
    assert source.spec == Spec(
        application="shop",
        environment="production",
        configuration_profile="checkout",
        region="eu-west-1",
        poll_interval_seconds=60,
        suspend=True,
        target=Target(
            name="n",
            key="k",
            format=Format.DOTENV,
            separator="__",
            prefix="App.",
            env_var_case=EnvVarCase.PRESERVE,
            compression=Compression.GZIP,
            creation_policy=CreationPolicy.MERGE,
            labels={"a": "b"},
            annotations={"c": "d"},
        ),
        content_type="application/json",
        select="/a",
        credentials=Credentials(
            service_account="sa", assume_role=AssumeRole("arn:aws:iam::111122223333:role/shop", "x")
        ),
        feature_flags=FeatureFlags(MultiVariant.DEFAULT_VARIANT, FlagOutput.FLAGD),
        history_limit=0,
        pinned_digest="sha256:0",
    )


STATUSES = [
    Status(),
    Status(
        observed_generation=4,
        conditions=(
            Condition("Ready", "False", "NotFound", "no", 4, "2026-01-01T00:00:00Z"),
            Condition("Stalled", "True", "NotFound", "no", 4, "2026-01-01T00:00:00Z"),
        ),
        source=ReceivedVersion("v1", "text/plain", "sha256:0", 12, "2026-01-01T00:00:00Z"),
        target=WrittenTarget("n", "sha256:1", 1, "2026-01-01T00:00:00Z", "88", "v1"),
    ),
    Status(target=WrittenTarget("n", "sha256:1", 1, "2026-01-01T00:00:00Z", "88", "")),
    Status(target=WrittenTarget("n", "sha256:1", 1, "2026-01-01T00:00:00Z", "88")),
]


@pytest.mark.parametrize("status", STATUSES, ids=["empty", "full", "without a label", "of a release before"])
def test_a_status_survives_the_way_to_the_api_server_and_back(status: Status) -> None:
    assert Status.from_dict(status.to_dict()) == status


def test_a_condition_is_found_by_its_type() -> None:
    ready = STATUSES[1].condition("Ready")
    assert ready is not None
    assert ready.reason == "NotFound"
    assert STATUSES[1].condition("Reconciling") is None
