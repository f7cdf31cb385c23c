"""`make aws-check` against MiniStack behind the strict proxy: it reads, shows no secret, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.aws.data_plane import Operation
from tests.integration.support.aws_access import new_place
from tools.aws_check.__main__ import run

if TYPE_CHECKING:
    from sandbox import AppConfig
    from sandbox.aws.appconfig import Place
    from sandbox.aws.data_plane import AppConfigProxy

pytestmark = pytest.mark.usefixtures("led")

ROOT = Path(__file__).parents[2]
VALUE = "can4rybird"


@pytest.fixture
def place(appconfig: AppConfig) -> Place:
    place = new_place()
    content = json.dumps({VALUE: {VALUE: VALUE}}).encode()
    appconfig.deploy(place.application, place.environment, place.profile, content, version_label=VALUE)
    return place


def variables(place: Place) -> dict[str, str]:
    return {"APPLICATION": place.application, "ENVIRONMENT": place.environment, "PROFILE": place.profile}


def applications(appconfig: AppConfig) -> set[str]:
    return {item["Id"] for item in appconfig.client.list_applications(MaxResults=10_000)["Items"]}


def strategies(appconfig: AppConfig) -> set[str]:
    return {item["Id"] for item in appconfig.client.list_deployment_strategies(MaxResults=10_000)["Items"]}


def test_a_profile_is_read_and_no_value_shown(proxy: AppConfigProxy, appconfig: AppConfig, place: Place) -> None:
    before = applications(appconfig), strategies(appconfig)
    lines: list[str] = []
    waits: list[float] = []
    assert run([], variables(place), lines.append, waits.append) == 0
    text = "".join(lines)
    assert "status 201" in text
    assert "JSON: {*: {*: string}}" in text
    assert "header content-type: application/json" in text
    assert "ResourceType: Application" in text
    assert not [secret for secret in (VALUE, *vars(place).values()) if secret in text]
    assert len(waits) == 1
    assert (applications(appconfig), strategies(appconfig)) == before
    assert proxy.count(Operation.LATEST) == 7
    # Each line that was left out would be one that another guard should have kept back.
    assert "left out" not in text


def test_flags_leave_nothing_behind(appconfig: AppConfig) -> None:
    before = applications(appconfig), strategies(appconfig)
    lines: list[str] = []
    run(["--flags"], {}, lines.append, lambda _: None)
    assert "deleted again: appconfig-operator-check-" in "".join(lines)
    assert (applications(appconfig), strategies(appconfig)) == before


def test_without_credentials_it_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    lines: list[str] = []
    assert run([], variables(place), lines.append, lambda _: None) == 1
    assert "NoCredentialsError" in "".join(lines)


def test_the_target_hands_the_names_on(place: Place, proxy: AppConfigProxy) -> None:
    """A refused start ends it at once, so that it takes no interval."""
    names = [f"{name}={value}" for name, value in (variables(place) | {"PROFILE": "no such one"}).items()]
    done = subprocess.run(
        ["make", "--no-print-directory", "aws-check", *names],
        capture_output=True, text=True, check=False, timeout=120, cwd=ROOT, env=os.environ | {"PYTHON": sys.executable},
    )  # fmt: skip
    assert "status 404" in done.stdout, done.stderr
    assert [call.place.profile for call in proxy.calls() if call.place] == ["no such one"]
    assert done.returncode != 0


@pytest.mark.parametrize("arguments", [[], ["--flags"]], ids=["profile", "flags"])
def test_what_nobody_reads_is_no_error_and_leaves_nothing(
    place: Place, appconfig: AppConfig, arguments: list[str]
) -> None:
    before = applications(appconfig), strategies(appconfig)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "tools.aws_check", *arguments],
            stdout=nobody, stderr=subprocess.PIPE, text=True, check=False, timeout=120, cwd=ROOT,
            env=os.environ | variables(place) | {"PROFILE": "no such one"},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert (applications(appconfig), strategies(appconfig)) == before
