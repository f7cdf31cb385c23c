"""Another source that asks for the same ConfigMap: whether it still does, and which of the two has priority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from appconfig_operator.api.v1alpha1 import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

_MANY = frozenset({Format.ENTRIES, Format.ENV_VARS})


@dataclass(frozen=True, slots=True)
class Rival:
    """Another source as the API server has it now, as far as it matters.

    Attributes
    ----------
    name, uid
        Which source.
    created
        Its `creationTimestamp`.
    deleting
        Whether its deletion has begun.
    target, policy
        The ConfigMap that its spec asks for, and how.
    written
        The ConfigMap that it wrote last, by its status, or empty.
    many
        Whether it writes a key for each value, and not one file.
    key
        The key of the file, or empty: it follows from the configuration.
    prefix
        Before each of many keys.
    """

    name: str
    uid: str
    created: str
    deleting: bool
    target: str
    policy: str
    written: str = ""
    many: bool = False
    key: str = ""
    prefix: str = ""

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Read a resource as the API server sends it. Its spec may be that of a newer operator."""
        metadata = body["metadata"]
        target = (body.get("spec") or {}).get("target") or {}
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            created=metadata.get("creationTimestamp") or "",
            deleting="deletionTimestamp" in metadata,
            target=target.get("name") or metadata["name"],
            policy=target.get("creationPolicy", ""),
            written=((body.get("status") or {}).get("target") or {}).get("name", ""),
            many=target.get("format") in _MANY,
            key=target.get("key") or "",
            prefix=target.get("prefix") or "",
        )

    def asks_for(self, name: str) -> bool:
        """Return whether it exists and asks for the ConfigMap of that name, whatever its policy."""
        return not self.deleting and self.target == name

    def may_write(self, path: str, name: str) -> bool:
        """Return whether its spec may lead to a field, by the JSON Pointer of the map that the field is in."""
        if path not in {"/data", "/binaryData"}:
            return True
        if self.many:
            return name.casefold().startswith(self.prefix.casefold())
        return not self.key or name in {self.key, f"{self.key}.gz"}

    def made(self, name: str) -> bool:
        """Return whether it asks for the ConfigMap of that name, and wrote it last."""
        return self.asks_for(name) and self.written == name

    def goes_before(self, created: str, uid: str) -> bool:
        """Return whether it is the older of two sources. All replicas get the same result, at any time."""
        return (self.created, self.uid) < (created, uid)
