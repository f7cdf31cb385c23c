"""Servers that start and end together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Started(ABC):
    """Servers as a context manager: ready inside, gone afterwards, and gone if one of them does not start."""

    _stack: ExitStack

    @abstractmethod
    def _start(self, stack: ExitStack) -> None:
        """Start all of them. Whatever is on the stack ends with the context, or if this fails."""

    def __enter__(self) -> Self:
        """Start everything."""
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, in the reverse order of its start."""
        self._stack.close()
