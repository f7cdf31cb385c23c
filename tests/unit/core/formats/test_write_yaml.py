"""YAML as it is written."""

from __future__ import annotations

from typing import Any

from appconfig_operator.core.formats.document import Number
from appconfig_operator.core.formats.write_yaml import yaml_text


def test_yaml_is_written_so_that_nothing_is_taken_for_something_else() -> None:
    document: Any = {"on": "no", "a b": [[], {}, [Number("1e3"), Number("1.5E-3")]], "t": "2026-01-01", "x": "\x85"}
    assert yaml_text(document) == (
        '"a b":\n  - []\n  - {}\n  -\n    - 1.0e+3\n    - 1.5e-3\n"on": "no"\nt: "2026-01-01"\nx: "\\u0085"\n'
    )
    assert yaml_text(None) == "null\n"
    assert yaml_text([]) == "[]\n"
