"""The start of an Event's name, which the API server completes."""

from __future__ import annotations

import re

import pytest

from appconfig_operator.kube.events import _prefix


@pytest.mark.parametrize(
    "name",
    ["a", "checkout", "a" * 253, ".".join(["a" * 49] * 5), "a" * 198 + "--b", "a" * 199 + ".b"],
    ids=["shortest", "ordinary", "longest", "dot at the cut", "dashes at the cut", "dot as the last"],
)
def test_prefix(name: str) -> None:
    """It ends like a name, and a dash; what the API server adds has room."""
    prefix = _prefix(name)
    assert re.fullmatch(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?-", prefix)
    assert name.startswith(prefix[:-1])
    assert len(prefix) <= 201
