"""Amazon Ion, as much of it as AppConfig sends multi-variant feature flags in: annotated strings and lists.

Read here and not by the library `amazon.ion`, whose reader in C ends the process on some malformed bytes, and whose
reader in Python takes gigabytes for a symbol table of 70 bytes. Tests hold the two against each other.
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
    """Read the values at the top. Symbol tables are used, and left out.

    Only the binary form is read: AWS was never recorded to send another, and in the text form, almost any bytes are
    values of some kind.

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
