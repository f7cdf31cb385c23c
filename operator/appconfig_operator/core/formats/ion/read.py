"""The part of Amazon Ion that AppConfig uses for multi-variant feature flags: annotated strings and lists.

This does not use the library `amazon.ion`: its C reader crashes the process on some malformed bytes, and its Python
reader needs gigabytes for a symbol table of 70 bytes. Tests compare the two.
https://amazon-ion.github.io/ion-docs/docs/spec.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import invalid
from appconfig_operator.core.formats.ion.binary import read_binary
from appconfig_operator.core.formats.ion.values import IonError

if TYPE_CHECKING:
    from appconfig_operator.core.formats.ion.values import IonValue


def read_ion(body: bytes) -> list[IonValue]:
    """Read the top-level values. Symbol tables are applied, and not returned.

    Only the binary form is read: no recording shows AWS sending another one, and almost any bytes are valid in the text
    form.

    Raises
    ------
    ContentError
        `InvalidContent`, with the place, never with the text itself.
    """
    try:
        return read_binary(body)
    except IonError as error:
        place = error.place
    raise invalid(
        f"The configuration is not Amazon Ion in the form that AppConfig uses for feature flags, at byte {place + 1:,}."
    )
