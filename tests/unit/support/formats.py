"""What tests of the formats share."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import strategies as st

from appconfig_operator.api.v1alpha1 import EnvVarCase, Format
from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.names import RESERVED, Naming
from appconfig_operator.core.formats.render import Data, render
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


APP_ = Naming("_", "APP_")
PRESERVE = Naming("__", case=EnvVarCase.PRESERVE)
