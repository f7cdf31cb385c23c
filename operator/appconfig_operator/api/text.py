"""Text from outside, made fit to be shown and to be kept: names, labels and messages that anybody may have chosen."""

from __future__ import annotations

import hashlib

LONGEST_REQUEST = 4096
"""Characters that `status.lastHandledReconcileAt` takes, by the CRD."""

LONGEST_LABEL = 1024
"""Characters that the status takes of a version label or a content type, by the CRD."""


def visible(text: str) -> str:
    """Return a text with an escape in place of each character that a terminal obeys or a reader does not see.

    An escape sequence of a name rewrites what is on the screen of whoever reads the log, and a bidirectional control
    changes the order in which it is read.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def bounded(text: str, limit: int) -> str:
    """Return a text of `limit` characters at most. One that is cut ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def label(text: str) -> str:
    """Return a version label or a content type as the status has it."""
    return bounded(visible(text), LONGEST_LABEL)


def request_mark(text: str) -> str:
    """Return what stands for a request to sync in the status: the text itself, or its digest when it is too long.

    The same text always gives the same mark, so that each request is handled once however long it is.
    """
    if len(text) <= LONGEST_REQUEST:
        return text
    return "sha256:" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
