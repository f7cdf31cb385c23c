"""One version of what is in a ConfigMap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.core.formats.render import Data


@dataclass(frozen=True, slots=True)
class RenderedVersion:
    """Rendered data, and what AppConfig called it.

    Attributes
    ----------
    data
        The data of the ConfigMap.
    label
        Label of the hosted configuration version, or empty.
    content_type
        MIME type of what was received.
    """

    data: Data
    label: str
    content_type: str
