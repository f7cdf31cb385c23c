"""The Markdown of GitHub, as Python-Markdown wants it."""

from __future__ import annotations

import pytest

from tools.docsite.markdown import frame_diagrams, is_foreign, replace_links, spell_out


def marked(link: str) -> str:
    return f"<{link}>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See [a](b.md).", "See [a](<b.md>)."),
        ("[a](b.md#c) and [`d`](../e.md)", "[a](<b.md#c>) and [`d`](<../e.md>)"),
        ("![a](b.svg)", "![a](<b.svg>)"),
        ("[![a](b.svg)](c.md)", "[![a](<b.svg>)](<c.md>)"),
        ('[a](b.md "title")', '[a](<b.md> "title")'),
        ("[a]: b.md", "[a]: <b.md>"),
        ("[a](https://example.com/b.md)", "[a](https://example.com/b.md)"),
        ("[a](mailto:a@example.com)", "[a](mailto:a@example.com)"),
        ("[a](#b)", "[a](#b)"),
        ("`[a](b.md)`", "`[a](b.md)`"),
        ("``[a](b.md)` ``", "``[a](b.md)` ``"),
        ("```md\n[a](b.md)\n```\n[c](d.md)", "```md\n[a](b.md)\n```\n[c](<d.md>)"),
        ("~~~\n```\n[a](b.md)\n~~~\n[c](d.md)", "~~~\n```\n[a](b.md)\n~~~\n[c](<d.md>)"),
        ("````md\n```\n[a](b.md)\n````\n[c](d.md)", "````md\n```\n[a](b.md)\n````\n[c](<d.md>)"),
    ],
    ids=[
        "plain",
        "fragment, and a name in code",
        "image",
        "image in a link",
        "title",
        "definition",
        "address",
        "mail",
        "anchor of the page",
        "code",
        "code with a tick",
        "block",
        "block with tildes",
        "block of four ticks",
    ],
)
def test_links_are_replaced_where_they_are_links(text: str, expected: str) -> None:
    assert replace_links(text, marked) == f"{expected}\n"


@pytest.mark.parametrize("link", ["https://example.com", "mailto:a@example.com", "#a"])
def test_what_is_no_file_is_foreign(link: str) -> None:
    assert is_foreign(link)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Text:\n- a\n- b", "Text:\n\n- a\n- b"),
        ("Text:\n1. a\n2. b", "Text:\n\n1. a\n2. b"),
        ("- a\n  more\n- b", "- a\n  more\n- b"),
        ("- a\n\n- b", "- a\n\n- b"),
        ("- a\nmore\n- b", "- a\nmore\n- b"),
        ("- a\n  - b", "- a\n    - b"),
        ("1. a\n\n   more\n2. b", "1. a\n\n    more\n2. b"),
        ("- a\n\n  ```sh\n  x\n    y\n  ```\n- b", "- a\n\n    ```sh\n    x\n      y\n    ```\n- b"),
        ("- a\n\nText\n- b", "- a\n\nText\n\n- b"),
        ("Text\n| a |\n|---|\n| b |", "Text\n\n| a |\n|---|\n| b |"),
        ("```\nText\n- a\n| b |\n```", "```\nText\n- a\n| b |\n```"),
        ("  indented\n- a", "  indented\n\n- a"),
    ],
    ids=[
        "list after text",
        "numbers",
        "long item",
        "loose list",
        "lazy item",
        "list in a list",
        "paragraph in an item",
        "block in an item",
        "list after a list and text",
        "table",
        "code",
        "indented text is no list",
    ],
)
def test_lists_and_tables_are_spelled_out(text: str, expected: str) -> None:
    assert spell_out(text) == f"{expected}\n"


@pytest.mark.parametrize(
    ("first", "kind"),
    [("flowchart TD", "diagram"), ("flowchart LR", "diagram wide"), ("sequenceDiagram", "diagram wide")],
)
def test_diagrams_are_framed(first: str, kind: str) -> None:
    block = f"```mermaid\n{first}\n  a --> b\n```"
    assert frame_diagrams(f"x\n{block}\ny\n") == f'x\n<div class="{kind}" markdown>\n\n{block}\n\n</div>\ny\n'


def test_other_blocks_are_not_framed() -> None:
    assert frame_diagrams("```sh\nmermaid\n```\n") == "```sh\nmermaid\n```\n"
