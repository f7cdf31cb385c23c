"""Any bytes, any content type, any spec: data within the limits of a ConfigMap, or an error of ours.

Run as a script it goes on for as many seconds as asked; the unit tests run the same checks for a moment.

    make fuzz SECONDS=600
"""

from __future__ import annotations

import base64
import re
import sys
import time
from dataclasses import replace
from random import Random

from appconfig_operator.api.v1alpha1 import (
    Compression,
    EnvVarCase,
    FeatureFlags,
    FlagOutput,
    Format,
    MultiVariant,
    Spec,
    Target,
)
from appconfig_operator.core.errors import ContentError, Reason
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.formats.render import LIMIT_BYTES, Data, render

MARK = "geheim"
"""Part of values in every seed: must be in no message."""

KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
"""A key or a pointer in a message: those may be shown."""

REASONS = {Reason.INVALID_CONTENT, Reason.UNSUPPORTED_CONTENT, Reason.TOO_LARGE}
FLAGS_TYPE = "application/ion;type=AWS.AppConfig.FeatureFlags"
TYPES = ("application/json", "application/x-yaml", "text/plain", "application/vnd.x+json", FLAGS_TYPE, "", ";;", "ü")
SEPARATORS = (None, ".", "_", "__", "-", "")
PREFIXES = ("", "", "APP_", "a.", ".", "x" * 128)
OVERRIDES = (None, None, None, None, "application/json", "text/yaml", "text/plain")
POINTERS = (None, None, None, "", "/a", "/a/0", "/b~1c/~0", "/-")
ION_BINARY = bytes.fromhex(
    "e00100eaee978183de93868d8ac9"  # a symbol table that goes on wrongly
    "e00100eaeebe8183deba86be99db84836f7073852101882117dc8484616e6e7385210188210c87be9b8570726f6d6f82756b88247374"
    "6f7265496482696585706c61696eee9d81adbe988ea67b225f76617269616e74223a2264656661756c74222c22656e61626c6564223a"
)
SEEDS = (
    b'{"a": [1, 1.10, 1e400, "geheim", null, true, {}], "b/c": {"~": "geheim \\u00e9 \\ud83d\\ude00"}, "d": -0.0}',
    b'{"flag": {"enabled": true, "limit": 5, "s": "geheim"}, "off": {"enabled": false}}',
    b"a: &x [geheim, 010, yes, 2026-01-01, 1:30, 0x1F]\nb: {<<: {q: geheim}, c: *x}\n'k': |\n  geheim\n  b\n? q\n: ~\n",
    b"a: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c]\n",
    b"- !!str geheim\n- !!binary Z2VoZWlt\n- !x {geheim: 1}\n--- \n... \n%YAML 1.1\n",
    rb"""'a'::[[(eq $x "geheim"),'''{"enabled":true}'''],'''{"_variant":"default","enabled":true,"x":"geheim"}''']
b::"{\"enabled\":false}" // geheim
/* geheim */ {c:[1,2]}""",
    ION_BINARY,
    b"\xef\xbb\xbfa: 1\r\nb: 'geheim'\x00\xff",
)
PIECES = (
    b"\\ud800", b"&a ", b"*a", b"<<: ", b"{", b"[", b"}", b"]", b'"', b"'", b"'''", b"::", b"\\", b"\r\n", b"\n", b": ",
    b"- ", b"#", b"${x}", b"\x00", b"\xff", b"\xe0\x01\x00\xea", b"NaN", b".inf", b"1e9999999", b"9" * 5000,
    b"0x" + b"f" * 1200,
    b'"path": ', b"k" * 1100,
    b"[" * 200, b"{a: " * 150, b"\xc2\x85", b"\xe2\x80\xa8", b"!!int ", b"%TAG ! tag:x,2000:\n---\n", b"x" * 300,
    b"?", b"|", b">",
)  # fmt: skip


def mutated(random: Random) -> bytes:
    """Return a seed that is hardly changed, or much, or no seed at all."""
    body = bytearray(random.choice(SEEDS))
    for _ in range(random.choice((0, 1, 1, 2, 3, 5, 10, 40))):
        at = random.randrange(len(body) + 1)
        match random.randrange(6):
            case 0:
                body[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del body[at : at + random.randrange(1, 20)]
            case 2:
                start = random.randrange(len(body) + 1)
                body[at:at] = body[start : start + random.randrange(1, 60)]
            case 3:
                other = random.choice(SEEDS)
                start = random.randrange(len(other))
                body[at:at] = other[start : start + random.randrange(1, 60)]
            case _:
                body[at:at] = random.choice(PIECES)
    if random.randrange(400) == 0:
        body = bytearray(bytes(body) * random.randrange(1, 4000))[:3_000_000]
    return bytes(body)


def any_spec(random: Random) -> Spec:
    """Return a spec that the CRD could let in, and some that it would not."""
    target = Target(
        name="x",
        format=random.choice(tuple(Format)),
        key=random.choice((None, "file.x")),
        separator=random.choice(SEPARATORS),
        prefix=random.choice(PREFIXES),
        env_var_case=random.choice(tuple(EnvVarCase)),
        compression=random.choice(tuple(Compression)),
    )
    flags = FeatureFlags(random.choice(tuple(MultiVariant)), random.choice(tuple(FlagOutput)))
    return Spec(
        application="a",
        environment="e",
        configuration_profile="p",
        region=None,
        poll_interval_seconds=60,
        suspend=False,
        target=target,
        content_type=random.choice(OVERRIDES),
        select=random.choice(POINTERS),
        feature_flags=flags,
    )


def check(content: Content, spec: Spec) -> str:
    """Render twice, and look at what comes out. Returns what it was, for the count."""
    try:
        data = render(content, spec)
    except ContentError as raised:
        check_error(raised)
        return str(raised.reason)
    check_data(data)
    assert render(content, spec) == data
    return "data"


def check_error(error: ContentError) -> None:
    """Hold an error against the rules: a reason of content, and a message of one line without a value."""
    assert error.reason in REASONS
    assert error.__cause__ is None
    leak = MARK in QUOTED.sub("", error.message)
    assert not leak
    assert error.message.isprintable()
    assert len(error.message) < 1500


def check_data(data: Data) -> None:
    """Hold the data against the rules of a ConfigMap."""
    total = 0
    assert not set(data.text) & set(data.binary)
    for key in (*data.text, *data.binary):
        assert KEY.fullmatch(key), key
        assert key != "."
        assert not key.startswith("..")
    for value in data.text.values():
        total += len(value.encode())
    for value in data.binary.values():
        total += len(base64.b64decode(value, validate=True))
    assert total <= LIMIT_BYTES
    assert data.data_digest.startswith("sha256:")


def run(*, seconds: float, most: int, seed: int) -> dict[str, int]:
    """Check until the time or the number of examples is over, and count what came out."""
    counts: dict[str, int] = {}
    end = time.monotonic() + seconds
    for number in range(most):
        if time.monotonic() > end:
            break
        random = Random(seed * 1_000_000_007 + number)
        content = Content(mutated(random), random.choice(TYPES[:2] * 3 + TYPES + (FLAGS_TYPE,) * 3), "")
        spec = any_spec(random)
        if random.randrange(3) == 0:
            spec = replace(spec, select=None, feature_flags=FeatureFlags(MultiVariant.DEFAULT_VARIANT))
        started = time.monotonic()
        try:
            outcome = check(content, spec)
        except Exception:
            print(f"seed {seed}, example {number}: {content.body[:2000]!r}, {content.content_type!r}, {spec}")
            raise
        counts[outcome] = counts.get(outcome, 0) + 1
        counts["slowest ms"] = max(counts.get("slowest ms", 0), round((time.monotonic() - started) * 1000))
    return counts


if __name__ == "__main__":
    wanted = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    first = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 1_000_000
    print(f"seed {first}", flush=True)
    print(run(seconds=wanted, most=sys.maxsize, seed=first))
