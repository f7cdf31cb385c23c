"""What is written as Dotenv is what the readers of Python and Node.js read, or is refused."""

from __future__ import annotations

import io

import pytest
from dotenv import dotenv_values
from hypothesis import given, reject
from hypothesis import strategies as st

from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.write_dotenv import dotenv_text
from tests.unit.support.formats import node_reads, refused, values, variable_names


@given(st.dictionaries(variable_names, values.filter(lambda value: "\0" not in value), max_size=5))
def test_python_and_node_read_back_dotenv(flat: dict[str, str]) -> None:
    try:
        text = dotenv_text(flat)
    except ContentError:
        reject()
    assert dict(dotenv_values(stream=io.StringIO(text, newline=""))) == flat
    assert node_reads(text) == flat


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "A="),
        ("a/b:c@d%e+f,g.h_i-j", "A=a/b:c@d%e+f,g.h_i-j"),
        ("two words # not a comment", "A='two words # not a comment'"),
        ("C:\\new", "A='C:\\new'"),
        ("a\nb", "A='a\nb'"),
        ("it's\r\n", 'A="it\'s\\r\\n"'),
        ('it\'s "x" \\n', 'A=it\'s "x" \\n'),
        ("a\\\\b", "A=a\\\\b"),
    ],
)
def test_the_first_way_to_quote_that_all_read_alike(value: str, line: str) -> None:
    assert dotenv_text({"A": value}) == line + "\n"


@pytest.mark.parametrize(
    "value",
    ["a\u2028'\"'", "\"'\u2029", 'it\'s "x"\n', "'\"", "it's \" # ", " '\"", "'\" ", "it's ${HOME}", "a\\\\b\n"],
)
def test_what_readers_of_dotenv_read_differently_is_refused(value: str) -> None:
    assert '"A" cannot be written as Dotenv' in refused(
        Reason.INVALID_CONTENT, dotenv_text, {"B": "geheim", "A": value}
    )
