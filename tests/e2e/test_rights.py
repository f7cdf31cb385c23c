"""A right that is missing shows: in the log once, in a metric and in readiness, and all goes on once it is there."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from tests.e2e.support.limited import Limited
from tests.e2e.support.scene import TIMEOUT, check_log
from tests.e2e.support.stage import LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sandbox import ControlPlane
    from tests.e2e.support.scene import Scene

CHECKOUT = {"config.json": '{"version": "can4rybird 1"}'}
NEXT = {"config.json": '{"version": "can4rybird 2"}'}
SLOW = 90.0
"""Seconds for what is tried again after a minute at most."""


@pytest.fixture
def limited(installed: ControlPlane, scene: Scene, tmp_path: Path, aws: Mapping[str, str]) -> Iterator[Limited]:
    """An operator with all its rights in one namespace, where a source is synced."""
    it = Limited(installed, scene, tmp_path, aws)
    try:
        it.start()
        scene.deploy(b'{"version": "can4rybird 1"}')
        scene.apply("checkout")
        scene.wait_for("checkout", "Synced")
        it.wait_until_ready()
        yield it
    finally:
        for process in it.runs:
            process.stop()
    check_log(it.runs[-1])


def check_told_once(it: Limited, verb: str, resource: str) -> None:
    words = f"The operator is not allowed to {verb} {resource} in namespace {it.scene.namespace}"
    assert it.reported(words) == 1, it.log
    assert it.reported("HTTP 403") <= 1, it.log
    assert "APIForbiddenError" not in it.log


def give_back(it: Limited, verb: str, resource: str) -> None:
    """Give back what was taken: it recovers without a restart."""
    it.take_away()
    it.wait_until_ready(timeout=SLOW)
    it.wait_for_refused((verb, resource), 0, timeout=SLOW + TIMEOUT)
    assert it.reported(f"now allowed to {verb} {resource} in namespace") == 1, it.log


def test_without_the_right_to_get_sources_a_restart_delivers_all_the_same(limited: Limited) -> None:
    limited.runs[-1].stop()
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    limited.take_away(("get", "appconfigsources"))
    limited.start()
    limited.scene.wait_for_content("checkout", NEXT)
    limited.scene.apply("other", target={"name": "other"})
    limited.scene.wait_for("other", "Synced")
    source = limited.scene.source("checkout")
    assert source["status"]["target"]["digest"] == limited.scene.source("other")["status"]["target"]["digest"]
    limited.wait_until_ready()


def test_without_the_right_to_watch_sources_it_is_not_ready(limited: Limited) -> None:
    limited.restart_without(("watch", "appconfigsources"))
    limited.wait_until_unready(
        f"the operator is not allowed to watch appconfigsources in namespace {limited.scene.namespace}"
    )
    limited.wait_for_refused(("watch", "appconfigsources"), 1)
    limited.scene.apply("other", target={"name": "other"})
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    limited.scene.wait_for_content("checkout", NEXT)
    check_told_once(limited, "watch", "appconfigsources")
    give_back(limited, "watch", "appconfigsources")
    limited.scene.wait_for("other", "Synced")


def test_without_the_right_to_list_sources_it_is_not_ready(limited: Limited) -> None:
    limited.restart_without(("list", "appconfigsources"))
    limited.wait_until_unready(
        f"the operator is not allowed to list appconfigsources in namespace {limited.scene.namespace}"
    )
    limited.wait_for_refused(("list", "appconfigsources"), 1)
    assert limited.scene.config_map("checkout")["data"] == CHECKOUT
    check_told_once(limited, "list", "appconfigsources")
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    give_back(limited, "list", "appconfigsources")
    limited.scene.wait_for_content("checkout", NEXT)


def test_without_the_right_to_patch_the_status_it_is_not_ready(limited: Limited) -> None:
    limited.restart_without(("patch", "appconfigsources/status"))
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    limited.scene.wait_for_content("checkout", NEXT)
    where = f"in namespace {limited.scene.namespace}"
    limited.wait_until_unready(f"the operator is not allowed to patch appconfigsources/status {where}")
    check_told_once(limited, "patch", "appconfigsources/status")
    assert limited.reported("Status not written") == 1, limited.log
    give_back(limited, "patch", "appconfigsources/status")
    digest = limited.scene.source("checkout")["status"]["source"]["digest"]
    limited.scene.apply("other", target={"name": "other"})
    limited.scene.wait_for("other", "Synced")
    assert limited.scene.source("other")["status"]["source"]["digest"] == digest


def test_rights_without_which_sources_are_served_leave_it_ready_and_show(limited: Limited) -> None:
    rights = [("list", "configmaps"), ("create", "controllerrevisions"), ("create", "events"), ("list", "secrets")]
    limited.restart_without(*rights)
    for number in (2, 3, 4):
        limited.scene.deploy(f'{{"version": "can4rybird {number}"}}'.encode())
        limited.scene.apply(f"other-{number}", target={"name": f"other-{number}"})
        limited.scene.wait_for(f"other-{number}", "Synced")
    for right in rights:
        limited.wait_for_refused(right, 1, timeout=SLOW)
    for verb, resource in rights[:3]:
        assert limited.reported(f"The operator is not allowed to {verb} {resource} in namespace") == 1, limited.log
    assert limited.reported("not allowed to list, create and delete Secrets in namespace") == 1, limited.log
    limited.wait_until_ready()


def test_without_the_right_to_delete_leases_all_goes_on_after_a_crash_and_a_stop(limited: Limited) -> None:
    """Nothing was polled, with readiness: what had expired was to be deleted first."""
    limited.runs[-1].kill()
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    limited.take_away(("delete", "leases"))
    process = limited.start()
    # Its Leases expire first, and then what is in order is spread over its interval.
    limited.scene.wait_for_content("checkout", NEXT, timeout=SLOW)
    limited.wait_until_ready()
    words = f"Leases in namespace {limited.scene.namespace}: the Kubernetes API server answered delete with HTTP 403"
    assert limited.reported(words) == 1, limited.log
    assert "the verb delete on leases" in limited.log
    before = time.monotonic()
    process.stop()
    assert time.monotonic() - before < LEASE_SECONDS
    assert process.log.rstrip().endswith("Stopped"), process.log
    limited.scene.deploy(b'{"version": "can4rybird 3"}')
    before = time.monotonic()
    limited.start()
    wait_until(lambda: "Polling shard 0 here" in limited.log, LEASE_SECONDS, "the shard")
    assert time.monotonic() - before < LEASE_SECONDS, "it was set free, and did not have to expire"
    limited.scene.wait_for_content("checkout", {"config.json": '{"version": "can4rybird 3"}'})


@pytest.mark.parametrize("verb", ["list", "create", "update"])
def test_without_a_right_to_leases_it_is_not_ready_from_the_start(limited: Limited, verb: str) -> None:
    limited.restart_without((verb, "leases"))
    limited.wait_until_unready(f"the Kubernetes API server answered {verb} with HTTP 403 Forbidden. Bind a Role")
    assert limited.reported(f"answered {verb} with HTTP 403 Forbidden") >= 1
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    limited.take_away()
    limited.scene.wait_for_content("checkout", NEXT)
    limited.wait_until_ready()


@pytest.mark.parametrize("verb", ["list", "create", "delete"])
def test_a_right_to_leases_that_goes_while_it_runs_stops_nothing(limited: Limited, verb: str) -> None:
    limited.take_away((verb, "leases"))
    time.sleep(2 * LEASE_SECONDS)
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    limited.scene.wait_for_content("checkout", NEXT)
    if verb == "list":
        limited.wait_until_unready("answered list with HTTP 403 Forbidden")
    limited.scene.deploy(b'{"version": "can4rybird 3"}')
    limited.scene.wait_for_content("checkout", {"config.json": '{"version": "can4rybird 3"}'})
    assert "Lost shard" not in limited.log
    limited.take_away()
    limited.wait_until_ready()


def test_a_namespace_that_is_made_again_without_its_role_is_named_and_recovers(
    limited: Limited, new_scene: Callable[[], Scene]
) -> None:
    """What is watched goes on being watched: its sources come, and none of their writes is let through."""
    other = new_scene()
    limited.grant(namespace=other.namespace)
    limited.arguments = (f"--namespace={other.namespace}",)
    limited.runs[-1].stop()
    limited.start()
    other.deploy(b'{"version": "can4rybird 1"}')
    other.apply("checkout")
    other.wait_for("checkout", "Synced")
    other.api.request("DELETE", f"/api/v1/namespaces/{other.namespace}")
    path = f"/api/v1/namespaces/{other.namespace}"
    wait_until(lambda: not other.api.exists(path), SLOW, "the end of the namespace")
    other.create_namespace()
    other.apply("checkout")
    words = f"in namespace {other.namespace}"
    wait_until(
        lambda: limited.reported(f"not allowed to patch appconfigsources/status {words}") == 1, SLOW, "word of it"
    )
    limited.wait_for_refused(("patch", "appconfigsources/status"), 1)
    limited.wait_until_ready()
    limited.scene.deploy(b'{"version": "can4rybird 2"}')
    limited.scene.wait_for_content("checkout", NEXT)
    limited.grant(namespace=other.namespace)
    other.wait_for("checkout", "Synced", timeout=SLOW)
    limited.wait_for_refused(("patch", "appconfigsources/status"), 0)
    lines = [line for line in limited.log.splitlines() if words in line and " ERROR " in line]
    rights = [re.sub(r".* The operator is not allowed to (\S+ \S+) in .*", r"\1", line) for line in lines]
    assert len(rights) == len(set(rights)), limited.log
