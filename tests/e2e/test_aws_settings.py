"""What the operator lacks of AWS itself: credentials, a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.support.checks import GOOD, check_failed, synced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.conftest import StartOperator
    from tests.e2e.support.scene import Scene


@pytest.mark.proves("CredentialsUnavailable")
def test_without_credentials_what_is_there_stays(
    scene: Scene, start_operator: StartOperator, aws: Mapping[str, str]
) -> None:
    with_credentials = start_operator(scene.namespace)
    before = synced(scene)
    with_credentials.stop()
    environment = dict(aws)
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    start_operator(scene.namespace, aws=environment)
    words = ("no AWS credentials", "ServiceAccount")
    check_failed(scene, "checkout", "CredentialsUnavailable", stalled=True, words=words)
    assert scene.config_map("checkout") == before


@pytest.mark.proves("spec.region", "InvalidSource")
def test_without_a_region_a_source_says_so_and_its_own_region_mends_it(
    scene: Scene, start_operator: StartOperator, aws: Mapping[str, str]
) -> None:
    scene.deploy(GOOD["config.json"].encode())
    environment = dict(aws)
    region = environment.pop("AWS_REGION")
    del environment["AWS_DEFAULT_REGION"]
    start_operator(scene.namespace, aws=environment)
    scene.apply("checkout")
    words = ("No AWS region", "spec.region", "AWS_REGION")
    check_failed(scene, "checkout", "InvalidSource", stalled=True, words=words)

    scene.change("checkout", region=region)
    scene.wait_for("checkout", "Synced", generation=2)
    assert scene.config_map("checkout")["data"] == GOOD
