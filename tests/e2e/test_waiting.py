"""Sources that wait for a ConfigMap, with an interval so long that no poll could help them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.support.scene import value
from tests.e2e.support.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from sandbox import ControlPlane, MiniStack
    from tests.e2e.support.scene import Scene

INTERVAL = 3600
SOON = 10.0


def test_a_source_that_waits_for_a_config_map_goes_on_when_it_comes_or_goes(
    installed: ControlPlane,
    ministack: MiniStack,
    new_scene: Callable[[], Scene],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    scene = new_scene()
    with Stage(installed, ministack, scene, tmp_path_factory.mktemp("waiting"), poll_interval=INTERVAL) as stage:
        scene.deploy(value("one").encode(), content_type="text/plain", label="v1")
        stage.start("only")
        theirs = scene.write_config_map("taken", {"theirs": "x"})
        scene.apply("owner", target={"name": "taken", "key": "one.txt"})
        scene.apply("merging", target={"name": "missing", "key": "one.txt", "creationPolicy": "Merge"})
        scene.wait_for("owner", "TargetNotOwned")
        scene.wait_for("merging", "TargetMissing")
        scene.write_config_map("missing", {"theirs": "x"})
        scene.wait_for_content("missing", {"theirs": "x", "one.txt": value("one")}, timeout=SOON)
        assert scene.config_map("taken")["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]
        scene.delete_config_map("taken")
        scene.wait_for_content("taken", {"one.txt": value("one")}, timeout=SOON)
        scene.wait_for_all(["owner", "merging"], "Synced")
