"""Documents, and what the parsers refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.document import Document, Number

# Everything but halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,4})?", fullmatch=True)
documents: st.SearchStrategy[Document] = st.recursive(
    st.none() | st.booleans() | numbers.map(Number) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


def refused(parse: Any, body: str | bytes) -> str:
    with pytest.raises(ContentError) as caught:
        parse(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
    assert caught.value.reason is Reason.INVALID_CONTENT
    assert caught.value.__cause__ is None
    assert "geheim" not in caught.value.message
    return caught.value.message


def plain(value: Any) -> Any:
    """Return a document with all numbers as floats, whoever has read it."""
    match value:
        case bool():
            return value
        case Number():
            return float(value.text)
        case int() | float():
            return float(value)
        case dict():
            return {key: plain(member) for key, member in value.items()}
        case list():
            return [plain(member) for member in value]
    return value
