"""The search for the canary finds it wherever it is, in whatever form."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.support.canary import SHOWN, Lookout
from tests.e2e.support.scene import CANARY, Scene, value

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_it_is_found_in_base64(before: str) -> None:
    lookout = Lookout()
    lookout.look("log", base64.b64encode(f"{before}{value('x')} after".encode()).decode())
    with pytest.raises(AssertionError, match="values were shown"):
        lookout.check()


def test_it_is_found_in_a_log_by_line(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "operator.log").write_text(f"well\n{value('x')}\n", encoding="utf-8")
    lookout = Lookout()
    lookout.look_into_logs(tmp_path)
    with pytest.raises(AssertionError, match=r"one/operator\.log:2"):
        lookout.check()


class FakeRest:
    """An API server that reports one Event, whose name has long gone from the list."""

    def json(self, _: str, path: str) -> dict[str, Any]:
        assert path in SHOWN
        return {"items": [], "metadata": {"resourceVersion": "1"}}

    def request(self, _: str, path: str) -> str:
        if not path.startswith(SHOWN[1]):
            return ""
        item = {"metadata": {"namespace": "shop", "name": "e", "resourceVersion": "2"}, "note": value("x")}
        return json.dumps({"type": "ADDED", "object": item})


def test_it_is_found_in_what_was_there_for_a_moment_only() -> None:
    lookout, api = Lookout(), FakeRest()
    with lookout.over(api):  # type: ignore[arg-type]
        while not lookout._hits:
            pass
    with pytest.raises(AssertionError, match="events shop/e"):
        lookout.check()


def test_nothing_found_is_well_but_not_when_nothing_was_searched() -> None:
    lookout = Lookout()
    lookout.look("log x:1", "well")
    with pytest.raises(AssertionError, match="log"):
        lookout.check()
    lookout.look("events a/b", "well")
    lookout.check()


def test_content_without_it_is_not_deployed() -> None:
    scene = Scene(None, None, "shop")  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="nobody could see"):
        scene.deploy(b"plain")
    assert CANARY in value("x")
