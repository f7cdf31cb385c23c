"""Servers that each test has for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.appconfig_proxy import AppConfigProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import MiniStack


@pytest.fixture
def proxy(ministack: MiniStack) -> Iterator[AppConfigProxy]:
    """AppConfig's data plane as strict as the real one."""
    with AppConfigProxy(ministack.url) as running:
        yield running
