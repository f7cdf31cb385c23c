"""JSON as deep as the API server takes it is read, and only what is deeper is not: never a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """
import copy, sys, threading
from appconfig_operator import stack
from appconfig_operator.core.formats.document import MAX_DEPTH
from appconfig_operator.core.errors import ContentError
from appconfig_operator.core.target.managed_fields import _united
from appconfig_operator.core.formats.parse_json import parse_json
from appconfig_operator.core.formats.parse_yaml import parse_yaml
from appconfig_operator.kube.responses import json_object

def nested(depth):
    return b'{"a":' * depth + b"{}" + b"}" * depth

def api_error(parse, text):
    try:
        parse(text)
    except ContentError as error:
        return f"more than {MAX_DEPTH} levels" in str(error)

def in_thread(work):
    thread = threading.Thread(target=lambda: print(work()))
    thread.start()
    thread.join()
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own: what is set holds for a whole one."""
    command = [sys.executable, "-c", HEAD + code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT / "operator")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("json_object(nested(10_002)) is not None", "True"),
        ("len(copy.deepcopy(json_object(nested(10_002))))", "1"),
        ("len(_united(json_object(nested(10_002)), json_object(nested(10_002))))", "1"),
        ("json_object(nested(29_000)) is None or 'read'", "True|read"),
        ("json_object(nested(1_000_000))", "None"),
        ("json_object(b'{')", "None"),
        ("api_error(parse_json, b'[' * 100_000)", "True"),
        ("api_error(parse_json, nested(100_000))", "True"),
        ("api_error(parse_yaml, b'[' * 100_000)", "True"),
        ("api_error(parse_yaml, b'- ' * 100_000)", "True"),
        ("api_error(parse_yaml, nested(100_000))", "True"),
    ],
)
def test_how_deep_it_goes(work: str, said: str) -> None:
    done = run(f"stack.deepen()\nin_thread(lambda: {work})")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() in said.split("|")


def test_c_that_goes_less_deep_is_no_limit() -> None:
    """As that of Python 3.12 and 3.13, which cannot be set."""
    done = run("""
import json
def scan_once(text, index):
    raise RecursionError
json._default_decoder.scan_once = scan_once
stack.deepen()
small = b'{"a": [1, "b"]}'
in_thread(lambda: (json_object(nested(10_002)) is not None, json_object(nested(100_000)), json_object(small)))
""")
    assert (done.stdout.strip(), done.stderr) == ("(True, None, {'a': [1, 'b']})", "")


def test_a_limit_without_the_stack_is_a_crash() -> None:
    """So the one is never set without the other: a process may have been given less than the usual 8 MB."""
    done = run("""
threading.stack_size(512 * 1024)
sys.setrecursionlimit(stack.RECURSION_LIMIT)
in_thread(lambda: json_object(nested(10_000)) is not None)
""")
    assert done.returncode != 0 or done.stdout.strip() == "False", "Python 3.12 has a limit of its own"
