"""The region of sources that name none, as the operator's environment has it."""

from __future__ import annotations

import os

import pytest

from appconfig_operator.aws.clients import Clients
from tests.unit.aws.test_roles import make_regional


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings of the person at this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-central-1"}, "eu-central-1"),
        ({"AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
        ({"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-central-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
    ],
    ids=["that of all SDKs", "that of boto3", "both", "an empty one"],
)
def test_region_of_the_operator(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], region: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    own = Clients(workers=1, user_agent="test").get(None).client
    sts = make_regional().sts(None)
    assert [own.meta.region_name, sts.meta.region_name] == [region] * 2
    assert own.meta.endpoint_url == f"https://appconfigdata.{region}.amazonaws.com"


def test_region_of_a_source_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    clients = Clients(workers=1, user_agent="test")
    assert clients.get("eu-west-1").client.meta.region_name == "eu-west-1"
