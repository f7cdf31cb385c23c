"""A planned write names the version that it replaces."""

from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.api.labels import DIGEST, SOURCE
from appconfig_operator.core.target.plan import Create, Replace
from appconfig_operator.core.target.planned_write import planned_write
from tests.unit.core.target.test_plan import stored, wanted


def from_elsewhere(body: dict[str, Any]) -> None:
    annotations = body["metadata"]["annotations"]
    annotations[SOURCE] = "other"
    annotations["appconfig-operator.io/application"] = "other"


def changed_by_hand(body: dict[str, Any]) -> None:
    body["metadata"]["annotations"][DIGEST] = "sha256:0"


def test_another_version_is_replaced() -> None:
    planned = planned_write(wanted(b'{"a":2}'), stored(), held=False)
    assert isinstance(planned.action, Replace)
    assert planned.replaced is not None
    assert planned.replaced.data == wanted().data
    assert planned.resource_version == "88"


@pytest.mark.parametrize("change", [from_elsewhere, changed_by_hand])
def test_what_is_no_version_of_the_source_is_replaced_without_being_kept(change: Any) -> None:
    observed = stored()
    change(observed)
    planned = planned_write(wanted(b'{"a":2}'), observed, held=False)
    assert isinstance(planned.action, Replace)
    assert planned.replaced is None


def test_the_same_data_replaces_no_version() -> None:
    planned = planned_write(wanted(labels={"team": "shop"}), stored(), held=False)
    assert isinstance(planned.action, Replace)
    assert planned.replaced is None


def test_without_a_difference_there_is_nothing_to_do() -> None:
    planned = planned_write(wanted(), stored(), held=False)
    assert (planned.action, planned.replaced, planned.resource_version) == (None, None, "88")


def test_nothing_is_replaced_where_nothing_is() -> None:
    planned = planned_write(wanted(), None, held=False)
    assert isinstance(planned.action, Create)
    assert (planned.replaced, planned.resource_version) == (None, "")
