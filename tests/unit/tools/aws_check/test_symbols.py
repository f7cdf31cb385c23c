"""The symbols of flags in Ion."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.support.aws_check import ION
from tools.aws_check.symbols import FlagSymbols, Import, NotIonError, symbols_of


def test_symbols() -> None:
    found = symbols_of(ION)
    assert found.imports == (Import("ops", 10, 32), Import("anns", 33, 44))
    assert found.flags == (
        FlagSymbols("check_gt", (14,), ()),
        FlagSymbols("check_not", (12, 24), (43,)),
        FlagSymbols("other", (13,), ()),
    )


NO_ION = (
    st.binary()
    | st.binary().map(lambda end: b"\xe0\x01\x00\xea" + end)
    | st.integers(4, len(ION)).map(lambda length: ION[:length])
)


@given(NO_ION)
def test_what_is_not_ion_is_said_to_be_that(body: bytes) -> None:
    with suppress(NotIonError):
        symbols_of(body)
