"""What the formats write is what their readers read."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import re
from dataclasses import replace
from random import Random
from typing import Any

import javaproperties
import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given, reject
from hypothesis import strategies as st

from appconfig_operator.api.v1alpha1 import Compression, EnvVarCase, FeatureFlags, FlagOutput, Format, MultiVariant
from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.compress import compress
from appconfig_operator.core.formats.content_type import Media, media
from appconfig_operator.core.formats.document import Number
from appconfig_operator.core.formats.flatten import MAX_VARIABLE_BYTES, entries, properties, variables
from appconfig_operator.core.formats.names import RESERVED, Naming
from appconfig_operator.core.formats.render import LIMIT_BYTES, Data, render
from appconfig_operator.core.formats.select import select
from appconfig_operator.core.formats.write_dotenv import dotenv_text
from appconfig_operator.core.formats.write_properties import properties_text
from appconfig_operator.core.formats.write_yaml import yaml_text
from tests.support.builders import content, spec, target

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
awkward = st.text(st.sampled_from("ab '\"`\\\n\r\t#$={}:!\0\x85\u2028é\N{GRINNING FACE}"), max_size=12)
values = texts | awkward
variable_names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,10}", fullmatch=True).filter(lambda name: name not in RESERVED)


def written(body: bytes, kind: Format, content_type: str = "application/json", **changes: Any) -> Data:
    made = target(**({"format": kind, "key": None} | changes))
    return render(content(body, content_type=content_type), spec(target=made))


def refused(reason: Reason, function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ContentError) as caught:
        function(*args, **kwargs)
    assert caught.value.reason is reason
    assert "geheim" not in caught.value.message
    return caught.value.message


@given(st.dictionaries(values, values, max_size=5))
def test_java_reads_back_properties(flat: dict[str, str]) -> None:
    text = properties_text(flat)
    assert text.isascii()
    assert javaproperties.loads(text) == flat
    assert javaproperties.load(io.BytesIO(text.encode())) == flat


@given(st.dictionaries(variable_names, values.filter(lambda value: "\0" not in value), max_size=5))
def test_python_and_node_read_back_dotenv(flat: dict[str, str]) -> None:
    try:
        text = dotenv_text(flat)
    except ContentError:
        reject()
    assert dict(dotenv_values(stream=io.StringIO(text, newline=""))) == flat
    assert node_reads(text) == flat


def node_reads(text: str) -> dict[str, str]:
    """Read as Node's dotenv 17 and 18 do: no escape but line ends in double quotes, the rest as it stands."""
    found = {}
    text = re.sub(r"\r\n?", "\n", text)
    value = r"\s*'(?:\\'|[^'])*'|\s*\"(?:\\\"|[^\"])*\"|\s*`(?:\\`|[^`])*`|[^#\r\n]+"
    line = rf"^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)({value})?\s*(?:#.*)?$"
    for name, raw in re.findall(line, text, re.MULTILINE | re.ASCII):
        read = raw.strip().strip("\ufeff")
        quote = read[:1]
        # The lines of JavaScript also end at U+2028 and U+2029.
        read = re.sub(r"(?:\A|(?<=[\n\r\u2028\u2029]))(['\"`])([\s\S]*)\1(?=[\n\r\u2028\u2029]|\Z)", r"\2", read)
        if quote == '"':
            read = read.replace("\\n", "\n").replace("\\r", "\r")
        found[name] = read
    return found


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


APP_ = Naming("_", "APP_")
PRESERVE = Naming("__", case=EnvVarCase.PRESERVE)


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
    ("pointer", "expected"),
    [
        ("", {"a/b": {"~": [Number("7")]}, "": "x"}),
        ("/a~1b", {"~": [Number("7")]}),
        ("/a~1b/~0/0", Number("7")),
        ("/", "x"),
    ],
)
def test_select(pointer: str, expected: Any) -> None:
    assert select({"a/b": {"~": [Number("7")]}, "": "x"}, pointer) == expected


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/b", 'nothing at "/b", which spec.select names. Its top level has no such member.'),
        ("/a/1", 'nothing at "/a/1", which spec.select names. It ends at "/a".'),
        ("/a/-", 'nothing at "/a/-"'),
        ("/a/00", 'nothing at "/a/00"'),
        ("/a/\u0660", "nothing at"),
        ("/a/0/x", 'It ends at "/a/0".'),
        ("/a/99999999999", "nothing at"),
    ],
)
def test_select_of_nothing(pointer: str, words: str) -> None:
    assert words in refused(Reason.INVALID_CONTENT, select, {"a": ["geheim"]}, pointer)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", Media.JSON),
        ("Application/JSON; charset=utf-8", Media.JSON),
        ("application/vnd.shop+json", Media.JSON),
        ("text/yaml", Media.YAML),
        ("application/openapi+yaml;version=3.1", Media.YAML),
        ("application/ion;type=AWS.AppConfig.FeatureFlags", Media.ION_FLAGS),
        ('application/ion; Type="aws.appconfig.featureflags"', Media.ION_FLAGS),
        ("application/ion", Media.OTHER),
        ("application/ion;type=other", Media.OTHER),
        ("application/x;type=AWS.AppConfig.FeatureFlags", Media.OTHER),
        ("text/plain", Media.OTHER),
        ("", Media.OTHER),
    ],
)
def test_media(content_type: str, expected: Media) -> None:
    assert media(content_type) is expected


@pytest.mark.parametrize("kind", list(Format))
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", ""])
def test_only_documents_are_converted(kind: Format, content_type: str) -> None:
    body = b'{"a": "geheim"}'
    if kind is Format.RAW:
        assert list(written(body, kind, content_type).text.values()) == [body.decode()]
    else:
        words = refused(Reason.UNSUPPORTED_CONTENT, written, body, kind, content_type)
        assert "By its content type, the configuration is neither JSON nor YAML" in words


@pytest.mark.parametrize("value", ["line 1\r\nline 2", "\r\n", "a\rb", "-----BEGIN-----\r\nx=\r\n-----END-----\r\n"])
def test_line_ends_of_windows_arrive_in_every_format(value: str) -> None:
    body = json.dumps({"pem": value}).encode()
    assert json.loads(written(body, Format.JSON).text["config.json"]) == {"pem": value}
    assert yaml.safe_load(written(body, Format.YAML).text["config.yaml"]) == {"pem": value}
    assert javaproperties.loads(written(body, Format.PROPERTIES).text["config.properties"]) == {"pem": value}
    text = written(body, Format.DOTENV).text["config.env"]
    assert dict(dotenv_values(stream=io.StringIO(text, newline=""))) == node_reads(text) == {"PEM": value}
    assert written(body, Format.ENTRIES).text == {"pem": value}
    assert written(body, Format.ENV_VARS).text == {"PEM": value}
    for kind in (Format.JSON, Format.YAML, Format.PROPERTIES, Format.DOTENV):
        assert "\r" not in next(iter(written(body, kind).text.values())), "an editor or git could change it"


OPAQUE = ("application/octet-stream", "binary/octet-stream", "")


@pytest.mark.parametrize("opaque", OPAQUE)
@pytest.mark.parametrize("kind", list(Format))
def test_the_content_type_of_the_spec_takes_the_place_of_what_appconfig_says(kind: Format, opaque: str) -> None:
    """Parameter Store, Secrets Manager, CodePipeline and some objects of S3 have no type of their own."""
    body = b'{"db": {"host": "x"}}'
    wanted = spec(content_type="application/json", target=target(format=kind, key=None))
    assert render(content(body, content_type=opaque), wanted) == written(body, kind)


def test_the_content_type_of_the_spec_decides_the_language_and_the_default_key() -> None:
    received = content(b"a: {b: 1.10}", content_type="application/octet-stream")
    part = render(received, spec(content_type="text/x-yaml", select="/a", target=target(key=None)))
    assert part.text == {"config.yaml": "b: 1.10\n"}
    raw = render(received, spec(content_type="text/x-java-properties", target=target(key=None)))
    assert raw.text == {"config.properties": "a: {b: 1.10}"}
    flags = content(b'{"a": {"enabled": true}}', content_type="binary/octet-stream")
    definition = render(
        flags, spec(content_type="application/json", feature_flags=FeatureFlags(output=FlagOutput.FLAGD))
    )
    assert "flagd.dev" in next(iter(definition.text.values()))


@pytest.mark.parametrize("opaque", OPAQUE)
def test_content_of_no_known_type_is_refused_with_the_way_out(opaque: str) -> None:
    words = refused(Reason.UNSUPPORTED_CONTENT, written, b"geheim", Format.JSON, opaque)
    assert f"({opaque or 'none'})" in words
    assert "set spec.contentType, for example to application/json" in words


def test_the_default_key_of_a_conversion_follows_the_format() -> None:
    keys = {
        kind: list(written(b'{"a":"b"}', kind).text)
        for kind in (Format.RAW, Format.JSON, Format.YAML, Format.PROPERTIES, Format.DOTENV)
    }
    assert [key for (key,) in keys.values()] == [
        "config.json",
        "config.json",
        "config.yaml",
        "config.properties",
        "config.env",
    ]


def test_a_part_in_the_format_raw_stays_in_its_language() -> None:
    wanted = spec(select="/a", target=target(key=None))
    assert render(content(b'{"a": {"b": 1.10}}'), wanted).text == {"config.json": '{\n  "b": 1.10\n}\n'}
    part = render(content(b"a: {b: 1.10}", content_type="text/yaml"), wanted)
    assert part.text == {"config.yaml": "b: 1.10\n"}
    scalar = render(content(b"a: yes", content_type="text/yaml"), wanted)
    assert scalar.text == {"config.yaml": '"yes"\n'}


@pytest.mark.proves("spec.target.separator")
def test_the_separator() -> None:
    assert list(written(b'{"a":{"b":1}}', Format.ENTRIES, separator="-").text) == ["a-b"]
    assert list(written(b'{"a":{"b":1}}', Format.ENTRIES).text) == ["a.b"]
    assert list(written(b'{"a":{"b":1}}', Format.ENV_VARS).text) == ["A_B"]
    assert written(b'{"a":{"b":1}}', Format.DOTENV, separator="__").text == {"config.env": "A__B=1\n"}
    assert written(b'{"a":{"b":1}}', Format.PROPERTIES).text == {"config.properties": "a.b=1\n"}


@given(st.binary(max_size=500))
def test_gzip_is_read_back_and_always_the_same(body: bytes) -> None:
    packed = compress(body)
    assert gzip.decompress(packed) == body
    assert packed == compress(body)
    assert packed[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"


def test_gzip_is_binary_under_its_own_key() -> None:
    data = written(b'{"a": 1}', Format.RAW, key="a.json", compression=Compression.GZIP)
    assert not data.text
    assert gzip.decompress(base64.b64decode(data.binary["a.json.gz"])) == b'{"a": 1}'


def test_two_megabytes_fit_when_compressed() -> None:
    body = b'{"a": "' + b"x" * (2048 * 1024) + b'"}'
    size = refused(Reason.TOO_LARGE, written, body, Format.RAW)
    assert "2,097,161 bytes" in size
    assert "Gzip" in size
    assert "spec.select" in size
    assert "smaller configuration profile" in size
    assert written(body, Format.JSON, compression=Compression.GZIP).keys == 1


def test_what_does_not_fit_compressed_is_too_large_without_the_advice_to_compress() -> None:
    noise = Random(1).randbytes(LIMIT_BYTES + 100)
    words = refused(
        Reason.TOO_LARGE, written, noise, Format.RAW, "application/octet-stream", compression=Compression.GZIP
    )
    assert words.startswith("The compressed configuration has 1,04")
    assert "Gzip" not in words


@pytest.mark.parametrize("kind", [Format.ENTRIES, Format.ENV_VARS])
def test_the_values_of_all_keys_count_together(kind: Format) -> None:
    part = "é" * (LIMIT_BYTES // 32)
    full = {f"a{number}": part for number in range(16)}
    assert written(json.dumps(full).encode(), kind).keys == 16
    words = refused(Reason.TOO_LARGE, written, json.dumps(full | {"b": "x"}).encode(), kind)
    assert "1,048,577 bytes when written, and a ConfigMap holds at most 1,048,576" in words


def test_yaml_is_written_so_that_nothing_is_taken_for_something_else() -> None:
    document: Any = {"on": "no", "a b": [[], {}, [Number("1e3"), Number("1.5E-3")]], "t": "2026-01-01", "x": "\x85"}
    assert yaml_text(document) == (
        '"a b":\n  - []\n  - {}\n  -\n    - 1.0e+3\n    - 1.5e-3\n"on": "no"\nt: "2026-01-01"\nx: "\\u0085"\n'
    )
    assert yaml_text(None) == "null\n"
    assert yaml_text([]) == "[]\n"


@pytest.mark.parametrize(
    ("kind", "output"),
    [(kind, FlagOutput.APP_CONFIG) for kind in Format if kind is not Format.RAW]
    + [(kind, FlagOutput.FLAGD) for kind in (Format.RAW, Format.JSON, Format.YAML)],
)
def test_the_same_content_gives_the_same_data(kind: Format, output: FlagOutput) -> None:
    wanted = spec(target=target(format=kind, key=None), feature_flags=FeatureFlags(MultiVariant.REFUSE, output))
    first = render(content(b'{"b": {"enabled": true, "x": 1}, "a": {"enabled": false}}'), wanted)
    again = render(content(b'{"a":{"enabled":false},\n"b":{"x":1,"enabled":true}}'), replace(wanted, suspend=True))
    assert list(first.text.items()) == list(again.text.items())
    assert first.data_digest == again.data_digest
