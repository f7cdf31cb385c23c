"""Values of Amazon Ion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

SYMBOL_TABLE = "$ion_symbol_table"


@dataclass(slots=True)
class IonOther:
    """A value that is neither a string nor a list: it is skipped."""


IonContent: TypeAlias = "str | list[IonValue] | IonOther"


@dataclass(slots=True)
class IonValue:
    """A value and its annotations. If the text of an annotation is unknown, it is the number of its symbol."""

    annotations: tuple[str | int, ...]
    content: IonContent = field(repr=False)


class IonError(Exception):
    """The bytes are not Ion, or not of a kind that AppConfig sends. The position is that of a byte or a character."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place
