"""The first examples of the fuzz run (`make fuzz`)."""

from __future__ import annotations

import pytest

from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.render import Data
from tests.fuzz import fuzz_render
from tests.support.builders import content, spec


def test_any_bytes_give_data_or_an_error_of_ours() -> None:
    counts = fuzz_render.run(seconds=30, most=1000, seed=1)
    assert {"data", "InvalidContent", "UnsupportedContent"} <= set(counts)


@pytest.mark.parametrize(
    "data",
    [Data({"a b": ""}, {}), Data({"..a": ""}, {}), Data({"a": "x" * 1_048_577}, {}), Data({"a": ""}, {"a": ""})],
    ids=["key", "dots", "size", "twice"],
)
def test_the_check_finds_what_is_no_data_of_a_config_map(data: Data) -> None:
    with pytest.raises(AssertionError):
        fuzz_render.check_data(data)


@pytest.mark.parametrize(
    "error",
    [ContentError(Reason.INVALID_CONTENT, "it is geheim"), ContentError(Reason.NOT_FOUND, "x"), ValueError("x")],
    ids=["value", "reason", "foreign"],
)
def test_the_check_finds_errors_that_are_not_ours(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Data:
        raise error

    monkeypatch.setattr(fuzz_render, "render", fails)
    with pytest.raises((AssertionError, ValueError)):
        fuzz_render.check(content(), spec())
