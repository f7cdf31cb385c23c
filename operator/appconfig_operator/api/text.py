"""Text from outside, made safe to show and to store: names, labels and messages that anyone may have chosen."""

from __future__ import annotations

import hashlib

LONGEST_REQUEST = 4096
"""Characters that the CRD allows in `status.lastHandledReconcileAt`."""

LONGEST_LABEL = 1024
"""Characters that the CRD allows in a version label or a content type in the status."""


def visible(text: str) -> str:
    """Return a text in which each character that controls a terminal or is invisible is escaped.

    An escape sequence in a name can rewrite the screen of whoever reads the log, and a bidirectional control character
    changes the order in which text is displayed.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def bounded(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters. If it is truncated, it ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def label(text: str) -> str:
    """Return a version label or a content type for the status."""
    return bounded(visible(text), LONGEST_LABEL)


def request_mark(text: str) -> str:
    """Return what represents a request to sync in the status: the text itself, or its digest if it is too long.

    The same text always gives the same result, so that each request is handled once, however long it is.
    """
    if len(text) <= LONGEST_REQUEST:
        return text
    return "sha256:" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
