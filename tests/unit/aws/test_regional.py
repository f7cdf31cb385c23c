"""Clients by region: shared, bounded, and those that are in use kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from botocore.utils import IMDSFetcher

from appconfig_operator.aws import regional as module
from appconfig_operator.aws.clients import Clients
from appconfig_operator.core.errors import StallingError, TransientError
from tests.unit.aws.test_roles import make_regional

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings of the person at this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


def test_one_client_for_each_service_and_region() -> None:
    regional = make_regional()
    one = regional.appconfigdata("eu-west-1")
    assert regional.appconfigdata("eu-west-1") is one
    assert regional.appconfigdata("eu-central-1") is not one
    assert regional.sts("eu-west-1") is regional.sts("eu-west-1")


def test_made_up_regions_evict_none_that_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant can name any region. What others use is not created again because of it."""
    monkeypatch.setattr(module, "LIMIT", 5)
    regional = make_regional()
    real = {region: regional.appconfigdata(region) for region in ("eu-west-1", "eu-central-1", "us-east-1")}
    for region, client in real.items():
        regional.answered("appconfigdata", region, client)
    for number in range(20):
        regional.appconfigdata(f"eu-nowhere-{number}")
    assert len(regional._clients) == 5
    for region, client in real.items():
        assert regional.appconfigdata(region) is client


def test_of_those_that_answered_the_one_answered_longest_ago_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 2)
    regional = make_regional()
    for region in ("a-b-1", "a-b-2", "a-b-1", "a-b-3"):
        regional.answered("appconfigdata", region, regional.appconfigdata(region))
    assert [region for _, region in regional._clients] == ["a-b-1", "a-b-3"]


def test_a_client_that_answers_after_it_was_evicted_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 1)
    regional = make_regional()
    slow = regional.appconfigdata("eu-west-1")
    regional.appconfigdata("eu-nowhere-1")
    regional.answered("appconfigdata", "eu-west-1", slow)
    assert regional.appconfigdata("eu-west-1") is slow


def test_a_configuration_file_that_is_fixed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    regional = make_regional()
    regional.appconfigdata("eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text("no section\n")
    broken = make_regional()
    with pytest.raises(StallingError, match="ConfigParseError"):
        broken.appconfigdata("eu-west-1")
    (tmp_path / "config").write_text("[default]\nregion = eu-north-1\n")
    assert broken.appconfigdata(None).meta.region_name == "eu-north-1"


@pytest.mark.parametrize("service", ["appconfigdata", "sts"])
def test_an_endpoint_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    variable = f"AWS_ENDPOINT_URL_{service.upper()}"
    monkeypatch.setenv(variable, "nowhere")
    with pytest.raises(TransientError, match=variable):
        getattr(make_regional(), service)("eu-west-1")


def test_the_defaults_mode_of_the_environment_makes_no_call(
    monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """With "auto" botocore asks the instance metadata service for a region, while all who need a client wait."""
    asked = mocker.spy(IMDSFetcher, "_get_request")
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
    make_regional(Clients(workers=1, user_agent="test")._config).appconfigdata("eu-west-1")
    assert asked.call_count == 0
