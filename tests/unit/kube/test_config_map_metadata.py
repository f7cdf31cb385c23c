"""What counts as a list: a response of something in between must not make the operator forget all sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube.config_map_metadata import ConfigMapMetadata
from appconfig_operator.kube.sources import Sources

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api


class OnePageApi:
    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def sized(self, *_: object, **__: object) -> tuple[dict[str, Any], int]:
        return self._answer, 100


def api(answer: dict[str, Any]) -> Api:
    return OnePageApi(answer)  # type: ignore[return-value]


def test_an_empty_list_is_a_list() -> None:
    empty = {"metadata": {"resourceVersion": "1"}, "items": None}
    assert Sources(api(empty)).uids(()) == set()
    assert list(ConfigMapMetadata(api(empty), None).list()) == [("1", [])]


def test_a_response_without_items_is_not_a_list() -> None:
    foreign = {"metadata": {"resourceVersion": "1"}}
    with pytest.raises(KeyError):
        Sources(api(foreign)).uids(())
    with pytest.raises(KeyError):
        list(ConfigMapMetadata(api(foreign), None).list())
