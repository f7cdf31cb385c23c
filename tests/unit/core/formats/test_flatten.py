"""A document as a flat list of keys."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.api.v1alpha1 import Format
from appconfig_operator.core.errors import Reason
from appconfig_operator.core.formats.document import Number
from appconfig_operator.core.formats.flatten import MAX_VARIABLE_BYTES, entries, properties, variables
from appconfig_operator.core.formats.names import Naming
from tests.unit.support.formats import refused, values, variable_names, written


@given(st.dictionaries(variable_names, values.filter(lambda value: "\0" not in value), max_size=5))
def test_environment_variables_arrive_as_they_are(flat: dict[str, str]) -> None:
    assert variables(dict(flat), Naming("_")) == flat


def test_keys_of_each_format() -> None:
    document: Any = {
        "database": {"host": "db", "port": Number("5432"), "url-path": None},
        "servers": [{"name": "a", "on": True}, {"name": "b", "on": False}],
        "empty": {},
        "none": [],
    }
    assert list(entries(document, Naming(".")).items()) == [
        ("database.host", "db"),
        ("database.port", "5432"),
        ("database.url-path", ""),
        ("none", ""),
        ("servers.0.name", "a"),
        ("servers.0.on", "true"),
        ("servers.1.name", "b"),
        ("servers.1.on", "false"),
    ]
    assert list(variables(document, Naming("__")))[2:5] == ["DATABASE__URL_PATH", "NONE", "SERVERS__0__NAME"]
    assert list(properties(document, Naming(".")))[4:6] == ["servers[0].name", "servers[0].on"]
    assert list(properties([["x"], {"a": "y"}], Naming("."))) == ["[0][0]", "[1].a"]
    assert list(entries({"a": ["x"]}, Naming(""))) == ["a0"]
    assert list(variables({"straße": "x", "\u0131\u0131": "y"}, Naming("_"))) == ["STRA_E", "__"]
    assert entries({}, Naming(".")) == entries([], Naming(".")) == {}


@pytest.mark.parametrize("function", [entries, properties, variables])
@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"labels": {}, "deep": {"er": {}}, "servers": [], "none": None}, {"servers", "none"}),
        ({"a": [{}, {"name": "b"}, "b"]}, {"a.0", "a.1.name", "a.2"}),
        ({"a": [{"b": {}}, [{}], {"name": "b"}, {}]}, {"a.0", "a.1", "a.2.name"}),
        ({"a": [{"name": "b"}, {}, {"b": {}}]}, {"a.0.name"}),
        ({"a": [{}], "b": {"c": [[{}], []]}}, {"b.c.0", "b.c.1"}),
        ({"a": {}}, set()),
    ],
)
def test_an_empty_object_is_left_out_and_leaves_no_gap_in_a_list(function: Any, document: Any, names: set[str]) -> None:
    """Spring binds the empty string to a list or a text, and fails to bind it to an object or a map."""
    flat = function(document, Naming("."))
    assert {name.lower().replace("[", ".").replace("]", "").replace("_", ".") for name in flat} == names
    assert set(flat.values()) <= {"", "b"}


@pytest.mark.parametrize("value", ["x", "é"])
@pytest.mark.parametrize("kind", [Format.ENV_VARS, Format.DOTENV])
def test_a_value_with_which_no_process_starts_is_refused(kind: Format, value: str) -> None:
    """The kernel itself says where the limit is."""
    most = (MAX_VARIABLE_BYTES - len("LONG_=")) // len(value.encode())
    (fits,) = variables({"long_": value * most}, Naming("_"), kind).items()
    assert starts(*fits)
    too_long = {"long_": value * (most + 1)}
    assert not starts("LONG_", too_long["long_"])
    words = refused(Reason.INVALID_CONTENT, variables, too_long, Naming("_"), kind)
    assert "LONG_" in words
    assert "no process can start" in words


def starts(name: str, value: str) -> bool:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("/bin/true", ["true"], {name: value}), 0)[1]) == 0
    except OSError:
        return False


@pytest.mark.parametrize(
    ("function", "document", "words"),
    [
        (entries, {"a.b": "x", "a": {"b": "geheim"}}, '"/a/b" and "/a.b" both map to the key "a.b"'),
        (variables, {"a-b": "x", "a": {"b": "geheim"}}, '"/a/b" and "/a-b" both map to the key "A_B"'),
        (variables, {"A": "geheim", "a": "x"}, '"/A" and "/a" both map'),
        (properties, {"a[0]": "x", "a": ["geheim"]}, '"/a/0" and "/a[0]" both map'),
        (entries, {"a b": "geheim"}, '"/a b" cannot be a key of a ConfigMap'),
        (entries, {"": "geheim"}, '"/" cannot be a key'),
        (entries, {".": "geheim"}, '"/." cannot be a key'),
        (entries, {"..a": "geheim"}, '"/..a" cannot be a key'),
        (entries, {"a": {"x" * 252: "geheim"}}, "cannot be a key"),
        (variables, {"1a": "geheim"}, '"/1a" cannot be an environment variable'),
        (variables, ["geheim"], '"/0" cannot be an environment variable'),
        (variables, {"x" * 254: "geheim"}, "cannot be an environment variable"),
        (variables, {"a": "geheim\0"}, 'The value of "A" contains a NUL'),
        (properties, {"x" * 254: "geheim"}, "cannot be the name of a property"),
        (properties, {"": "geheim"}, "cannot be the name of a property"),
    ],
)
def test_no_key_is_renamed_or_dropped_in_silence(function: Any, document: Any, words: str) -> None:
    assert words in refused(Reason.INVALID_CONTENT, function, document, Naming("."))


@pytest.mark.parametrize("kind", [Format.ENTRIES, Format.ENV_VARS, Format.PROPERTIES, Format.DOTENV])
@pytest.mark.parametrize("body", [b'"geheim"', b"null", b"1"])
def test_a_single_value_has_no_key(kind: Format, body: bytes) -> None:
    words = refused(Reason.UNSUPPORTED_CONTENT, written, body, kind)
    assert words.startswith(f"The format {kind} needs an object or a list, and the document is a single value")
