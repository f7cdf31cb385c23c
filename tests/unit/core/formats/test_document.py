"""Where in a document something is."""

from __future__ import annotations

import itertools

from appconfig_operator.core.formats.document import pointer


def test_a_pointer_in_a_message_is_short_and_on_one_line() -> None:
    assert pointer(["a/b", "~", 0, "x\ny"]) == '"/a~1b/~0/0/x\N{REPLACEMENT CHARACTER}y"'
    assert len(pointer(itertools.repeat("x" * 10, 1000))) < 250
