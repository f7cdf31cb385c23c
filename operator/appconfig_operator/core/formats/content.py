"""One configuration as AppConfig delivers it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from appconfig_operator.core.formats.content_type import Media, media


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Content:
    """A received configuration.

    Attributes
    ----------
    body
        The bytes received. AppConfig stores no empty configuration, so they are never none.
    content_type
        MIME type as AppConfig told it, parameters included.
    version_label
        Label of the hosted configuration version, or empty: labels are optional, and exist for hosted ones only.
    modified_time
        When it was last deployed, RFC 3339 in UTC, or empty: AppConfig does not always say.
    sent_as
        MIME type as AppConfig sent it, where a user says that it is another one; otherwise empty.
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
        """Return it with the content type that a user says it has, or as it is where the user says nothing.

        Feature flags in Amazon Ion stay what they are: nothing else has that type.
        """
        if content_type is None or media(self.content_type) is Media.ION_FLAGS:
            return self
        return replace(self, content_type=content_type, sent_as=self.sent_as or self.content_type)

    @property
    def may_be_flags(self) -> bool:
        """Whether AppConfig or a user says that it is JSON: feature flags come as that, whatever else a user says."""
        return Media.JSON in {media(self.content_type), media(self.sent_as)}
