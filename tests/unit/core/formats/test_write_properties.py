"""What is written as Properties is what Java reads."""

from __future__ import annotations

import io

import javaproperties
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.core.formats.write_properties import properties_text
from tests.unit.support.formats import values


@given(st.dictionaries(values, values, max_size=5))
def test_java_reads_back_properties(flat: dict[str, str]) -> None:
    text = properties_text(flat)
    assert text.isascii()
    assert javaproperties.loads(text) == flat
    assert javaproperties.load(io.BytesIO(text.encode())) == flat
