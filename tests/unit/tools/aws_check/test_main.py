"""The command line of `make aws-check`."""

from __future__ import annotations

import pytest

from tools.aws_check.__main__ import run


@pytest.mark.parametrize(
    ("arguments", "names"), [([], {}), (["--flags"], {"APPLICATION": "shop"}), ([], {"APPLICATION": "shop"})]
)
def test_without_the_names_nothing_is_called(arguments: list[str], names: dict[str, str]) -> None:
    lines: list[str] = []
    assert run(arguments, names, lines.append, lambda _: None) == 2
    assert "APPLICATION, ENVIRONMENT and PROFILE" in "".join(lines)
