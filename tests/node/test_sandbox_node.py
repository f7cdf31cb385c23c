"""The node itself: what the other tests here rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.kubectl import Kubectl


def test_node_is_ready(kubectl: Kubectl) -> None:
    condition = '{.items[*].status.conditions[?(@.type=="Ready")].status}'
    assert kubectl("get", "nodes", "-o", f"jsonpath={condition}") == "True"
