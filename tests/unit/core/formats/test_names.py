"""Names of keys and variables: prefix, case, and names that a process needs itself."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from dotenv import dotenv_values

from appconfig_operator.api.v1alpha1 import EnvVarCase, Format
from appconfig_operator.core.errors import Reason
from appconfig_operator.core.formats.flatten import entries, properties, variables
from appconfig_operator.core.formats.names import Naming
from tests.unit.support.formats import APP_, PRESERVE, node_reads, refused, written


def test_a_prefix_stands_before_each_key_as_it_is() -> None:
    document: Any = {"path": "x", "1st": ["y"], "a": {"b": "z"}}
    assert list(variables(document, APP_)) == ["APP_1ST_0", "APP_A_B", "APP_PATH"]
    assert list(entries(document, Naming(".", "shop-"))) == ["shop-1st.0", "shop-a.b", "shop-path"]
    assert list(properties(document, Naming(".", "shop."))) == ["shop.1st[0]", "shop.a.b", "shop.path"]
    assert list(properties(["x"], Naming(".", "shop"))) == ["shop[0]"]
    assert written(b'{"a":{"b":1}}', Format.DOTENV, prefix="APP_").text == {"config.env": "APP_A_B=1\n"}
    assert list(written(b'{"a":{"b":1}}', Format.ENV_VARS, prefix="APP_").text) == ["APP_A_B"]
    assert list(written(b'{"a":{"b":1}}', Format.ENTRIES, prefix="x.", separator="_").text) == ["x.a_b"]
    assert written(b'{"a":{"b":1}}', Format.PROPERTIES, prefix="x.").text == {"config.properties": "x.a.b=1\n"}


def test_names_can_keep_their_case_and_dots() -> None:
    document: Any = {
        "Logging": {"LogLevel": {"Default": "Information", "Microsoft.AspNetCore": "Warning"}},
        "a-b": ["x"],
    }
    names = ["Logging__LogLevel__Default", "Logging__LogLevel__Microsoft.AspNetCore", "a-b__0"]
    assert list(variables(document, PRESERVE)) == names
    body = json.dumps(document).encode()
    wanted = {"separator": "__", "env_var_case": EnvVarCase.PRESERVE}
    assert list(written(body, Format.ENV_VARS, **wanted).text) == names
    text = written(body, Format.DOTENV, **wanted).text["config.env"]
    assert list(dotenv_values(stream=io.StringIO(text))) == list(node_reads(text)) == names


@pytest.mark.parametrize("kind", [Format.ENV_VARS, Format.DOTENV])
def test_names_that_differ_only_in_case_are_refused_with_both_places(kind: Format) -> None:
    """.NET, and Windows, read one of them."""
    document: Any = {"Logging": {"Level": "geheim"}, "logging": {"level": "geheim"}}
    words = refused(Reason.INVALID_CONTENT, variables, document, PRESERVE, kind)
    assert '"/Logging/Level" and "/logging/level"' in words
    assert '"Logging__Level" and "logging__level", which differ only in case' in words
    assert "Rename one" in words
    assert len(variables({"Logging": {"a": "x"}, "logging": {"b": "x"}}, PRESERVE, kind)) == len("ab")
    assert len(entries({"a": "x", "A": "y"}, Naming("."))) == len(properties({"a": "x", "A": "y"}, Naming("."))) == 2


@pytest.mark.parametrize(
    ("function", "naming", "document", "words"),
    [
        (variables, APP_, {"x" * 250: "geheim"}, "253 characters, including the prefix, and does not"),
        (entries, Naming(".", "p"), {"x" * 253: "geheim"}, '"_" and ".", including the prefix, and does not'),
        (properties, Naming(".", "p"), {"x" * 253: "geheim"}, "1 to 253 characters, including the prefix."),
        (entries, Naming(".", "."), {".a": "geheim"}, '"/.a" cannot be a key'),
        (
            variables,
            Naming("_", "A_"),
            {"b": {"c": "geheim"}, "b-c": "x"},
            '"/b/c" and "/b-c" both map to the key "A_B_C"',
        ),
        (variables, PRESERVE, {"Redis:Host": "geheim"}, 'that contains ":" as nested objects'),
        (variables, PRESERVE, {"größe": "geheim"}, "with envVarCase: Preserve a name has 1 to 253 letters"),
        (variables, PRESERVE, {".a": "geheim"}, 'starts with a letter or "_"'),
        (variables, PRESERVE, {"1a": "geheim"}, 'starts with a letter or "_"'),
        (variables, Naming("_"), {"1a": "geheim"}, "not start with a digit. Set spec.target.prefix, for example APP_."),
        (variables, Naming("_"), {"a": {"x" * 252: "geheim"}}, "does not start with a digit. Shorten the names in it."),
        (variables, APP_, {"a": {"x" * 250: "geheim"}}, "Shorten the names in it, or spec.target.prefix."),
        (variables, PRESERVE, {"x" * 254: "geheim"}, 'starts with a letter or "_". Shorten the names in it.'),
        (variables, Naming("_"), {"": "geheim"}, "Rename the member, or set spec.target.prefix"),
    ],
)
def test_what_a_prefix_and_a_case_cannot_make_a_name_of(
    function: Any, naming: Naming, document: Any, words: str
) -> None:
    assert words in refused(Reason.INVALID_CONTENT, function, document, naming)


@pytest.mark.parametrize(
    "path",
    [
        ("path",), ("home",), ("hostname",), ("pwd",), ("_",), ("ld", "preload"), ("ld_library_path",), ("bash", "env"),
        ("glibc", "tunables"), ("ld", "assume_kernel"), ("ld_pointer_guard",), ("ld_trace_prelinking",),
        ("ld_prefer_map_32bit_exec",), ("windir",), ("kubernetes", "service", "host"),
        ("kubernetes_port_443_tcp_addr",),
    ],
)  # fmt: skip
def test_the_names_of_a_process_itself_are_refused_with_the_way_out(path: tuple[str, ...]) -> None:
    document: Any = "geheim"
    for part in reversed(path):
        document = {part: document}
    for naming in (Naming("_"), Naming("_", case=EnvVarCase.PRESERVE)):
        for kind in (Format.ENV_VARS, Format.DOTENV):
            words = refused(Reason.INVALID_CONTENT, variables, document, naming, kind)
            assert words.endswith("Set spec.target.prefix, for example APP_, or rename the member.")
    assert list(variables(document, APP_).values()) == ["geheim"]
    assert (
        list(entries(document, Naming("_")).values()) == list(properties(document, Naming("_")).values()) == ["geheim"]
    )


def test_a_prefix_that_makes_a_name_of_the_process_is_refused() -> None:
    assert '"LD_PRELOAD"' in refused(Reason.INVALID_CONTENT, variables, {"preload": "geheim"}, Naming("_", "LD_"))


def test_names_that_only_look_like_those_of_a_process_are_taken() -> None:
    names = ["ENV", "JAVA_TOOL_OPTIONS", "KUBERNETES_NAMESPACE", "LD_SDK_KEY", "PATHS", "TZ", "USER"]
    assert list(variables(dict.fromkeys(names, "x"), Naming("_"))) == names
