"""One configuration as AppConfig delivers it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from appconfig_operator.core.formats.content_type import MediaType, media_type


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Content:
    """A received configuration.

    Attributes
    ----------
    body
        The bytes received. They are never empty, because AppConfig stores no empty configuration.
    content_type
        MIME type as AppConfig reported it, including parameters.
    version_label
        Label of the hosted configuration version, or empty: labels are optional, and only hosted versions have them.
    modified_time
        When it was last deployed, RFC 3339 in UTC, or empty: AppConfig does not always report it.
    sent_as
        MIME type as AppConfig sent it, if a user overrides it; otherwise empty.
    """

    body: bytes = field(repr=False)  # configuration values must not reach a log through a repr
    content_type: str
    version_label: str
    modified_time: str = ""
    sent_as: str = ""

    @property
    def content_digest(self) -> str:
        """`sha256:` and the hex digest of the bytes received."""
        return "sha256:" + hashlib.sha256(self.body).hexdigest()

    def read_as(self, content_type: str | None) -> Content:
        """Return it with the content type that a user specified, or unchanged if there is none.

        Feature flags in Amazon Ion keep their type, because nothing else has it.
        """
        if content_type is None or media_type(self.content_type) is MediaType.ION_FLAGS:
            return self
        return replace(self, content_type=content_type, sent_as=self.sent_as or self.content_type)

    @property
    def may_be_flags(self) -> bool:
        """Whether AppConfig or a user says that it is JSON. Feature flags arrive as JSON, whatever a user specifies."""
        return MediaType.JSON in {media_type(self.content_type), media_type(self.sent_as)}
