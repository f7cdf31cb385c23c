"""Several replicas share the work: nobody polls what another polls, and nothing is lost when one goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.support import replicas

if TYPE_CHECKING:
    from concurrent.futures import Future

TIMEOUT = 150.0


@pytest.mark.meanwhile(story=replicas.lose_replicas)
def test_the_others_take_over_from_a_killed_replica_and_at_once_from_a_stopped_one(meanwhile: Future[None]) -> None:
    meanwhile.result(TIMEOUT)


@pytest.mark.meanwhile(story=replicas.roll_out)
def test_a_rolling_update_and_a_restart_after_a_kill_write_nothing(meanwhile: Future[None]) -> None:
    meanwhile.result(TIMEOUT)


@pytest.mark.meanwhile(story=replicas.deploy_gradually)
def test_in_the_middle_of_a_gradual_deployment_a_rolling_update_takes_nothing_back(meanwhile: Future[None]) -> None:
    meanwhile.result(TIMEOUT)


@pytest.mark.meanwhile(story=replicas.be_cut_off)
def test_a_replica_without_the_api_server_stops_before_another_takes_over(meanwhile: Future[None]) -> None:
    meanwhile.result(TIMEOUT)


@pytest.mark.meanwhile(story=replicas.be_cut_off_alone)
def test_alone_it_goes_on_with_its_sessions_and_without_what_was_deleted_unheard(meanwhile: Future[None]) -> None:
    meanwhile.result(TIMEOUT)


@pytest.mark.meanwhile(story=replicas.be_paused)
def test_a_paused_replica_writes_nothing_once_another_has_taken_over(meanwhile: Future[None]) -> None:
    meanwhile.result(TIMEOUT)


@pytest.mark.meanwhile(story=replicas.split_otherwise)
def test_another_number_of_shards_is_rolled_out_with_never_two_pollers(meanwhile: Future[None]) -> None:
    meanwhile.result(TIMEOUT)
