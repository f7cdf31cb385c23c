"""The operator for a whole cluster: before its CRD is there, while nothing changes, while the API server is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.support.beside import Beside

TIMEOUT = 150.0


def test_it_waits_for_its_crd_and_then_serves_all_namespaces(beside: Beside) -> None:
    beside["crd"].result(TIMEOUT)


def test_20_unchanged_polls_and_a_restart_write_nothing(beside: Beside) -> None:
    beside["unchanged"].result(TIMEOUT)


def test_the_api_server_is_away_for_30_s_and_the_same_process_loses_nothing(beside: Beside) -> None:
    beside["outage"].result(TIMEOUT)


def test_the_crd_is_deleted_and_one_line_says_so(beside: Beside) -> None:
    beside["crd-deleted"].result(TIMEOUT)
