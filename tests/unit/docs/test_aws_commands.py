"""The commands of the AWS CLI in the pages are ones that AWS knows, with all that it requires."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session

ROOT = Path(__file__).parents[3]
COMMAND = re.compile(r"aws (appconfig) (\S+)((?:[^\n\\)]|\\\n)*)")
GLOBAL = {"--query", "--output", "--region"}
MODEL = Session().get_service_model("appconfig")
OPERATIONS = {xform_name(name, "-"): name for name in MODEL.operation_names}


def commands() -> list[tuple[str, str, str]]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [
        (page.name, block)
        for page in pages
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    ]
    return [
        (page, operation, options.replace("\\\n", " "))
        for page, block in blocks
        for _, operation, options in COMMAND.findall(block)
    ]


def test_there_are_commands() -> None:
    assert sum(page == "getting-started.md" for page, *_ in commands()) == 12


@pytest.mark.parametrize(("page", "operation", "options"), commands())
def test_commands_are_those_of_aws(page: str, operation: str, options: str) -> None:
    shape = MODEL.operation_model(OPERATIONS[operation]).input_shape
    assert shape is not None, page
    known = {f"--{xform_name(name, '-')}": name for name in shape.members}
    given = {word for word in shlex.split(options) if word.startswith("--")} - GLOBAL
    assert given <= set(known)
    assert {known[option] for option in given} >= set(shape.required_members)
