"""Which of the watched namespaces the operator is allowed to look into: those that refuse must not delay the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.kube.errors import FORBIDDEN, ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appconfig_operator.kube.sources import Sources


class NamespaceAccess:
    """Lists the sources of the watched namespaces, and keeps which of them refused last.

    Parameters
    ----------
    sources
        The resources.
    namespaces
        Those to watch, empty for the whole cluster.

    Attributes
    ----------
    namespaces
        Those to watch, each once.
    refused
        The namespaces that the last list left out.
    """

    def __init__(self, sources: Sources, namespaces: Sequence[str]) -> None:
        self._sources = sources
        self.namespaces = tuple(dict.fromkeys(namespaces))
        self.refused: frozenset[str] = frozenset()

    def uids(self) -> set[str]:
        """List the uids of all sources, except where the operator is not allowed to.

        Raises
        ------
        ApiError, UnreachableError
            When a list cannot be read, or all namespaces refuse.
        """
        if not self.namespaces:
            return self._sources.uids(())
        there: set[str] = set()
        refusals: dict[str, ApiError] = {}
        for namespace in self.namespaces:
            try:
                there |= self._sources.uids([namespace])
            except ApiError as error:
                if error.status != FORBIDDEN:
                    raise
                refusals[namespace] = error.with_traceback(None)  # its frames hold this one
        if len(refusals) == len(self.namespaces):
            raise next(iter(refusals.values()))
        self.refused = frozenset(refusals)
        return there

    def regained(self) -> bool:
        """Return whether a namespace that refused answers now.

        Only those that refused are asked: `uids` lists all sources.
        """
        for namespace in sorted(self.refused):
            try:
                self._sources.uids([namespace])
            except (ApiError, UnreachableError):
                continue
            except Exception:  # noqa: BLE001 (`uids` meets it again, and its caller reports it)
                return True
            return True
        return False
