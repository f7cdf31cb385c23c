"""What is wrong with a built site is found, as far as its generator does not find it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.docsite.check import complaints

if TYPE_CHECKING:
    from pathlib import Path


def site(root: Path, page: str, style: str = "") -> list[str]:
    for name, text in {"index.html": page, "other/index.html": "", "own.js": "", "site.css": style}.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return list(complaints(root))


@pytest.mark.parametrize(
    "page",
    [
        '<a href="other/">x</a>',
        '<a href="other/#there">x</a>',
        '<a href="other/index.html">x</a>',
        '<a href=".">x</a>',
        '<a href="#here">x</a>',
        '<a href="https://example.com/x#y">x</a>',
        '<a href="mailto:a@example.com">x</a>',
        '<script src="own.js"></script>',
        '<link rel="stylesheet" href="site.css"><link rel="canonical" href="https://example.com/">',
        '<img src="data:image/gif;base64,x">',
        '<pre class="mermaid">x</pre><script src="assets/mermaid.js"></script>',
    ],
)
def test_nothing_to_complain_of(tmp_path: Path, page: str) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "mermaid.js").write_text("")
    assert site(tmp_path, page, "a { background: url(data:x) } @import 'x.css';") == []


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ('<a href="missing/">x</a>', "index.html: missing/ leads nowhere"),
        ('<a href="../missing/">x</a>', "index.html: ../missing/ leads nowhere"),
        ('<a href="/other/">x</a>', "index.html: /other/ leads nowhere"),
        ('<img src="missing.svg">', "index.html: missing.svg leads nowhere"),
        ('<script src="missing.js"></script>', "index.html: missing.js leads nowhere"),
        ('<script src="https://cdn.example.com/x.js"></script>', "index.html: loads https://cdn.example.com/x.js"),
        ('<script src="//cdn.example.com/x.js"></script>', "index.html: loads //cdn.example.com/x.js"),
        ('<img src="https://example.com/x.png">', "index.html: loads https://example.com/x.png"),
        ('<link rel="preconnect" href="https://fonts.example.com">', "index.html: loads https://fonts.example.com"),
        ("<style>@import url(https://example.com/a.css)</style>", "index.html: loads https://example.com/a.css"),
        ('<pre class="mermaid">x</pre>', "index.html: has a diagram, and does not load assets/mermaid.js"),
    ],
)
def test_what_is_wrong_is_reported(tmp_path: Path, page: str, complaint: str) -> None:
    assert site(tmp_path, page) == [complaint]


def test_style_sheets_that_load_from_elsewhere(tmp_path: Path) -> None:
    style = "@import 'https://example.com/a.css'; b { background: url(\"//example.com/b.png\") }"
    assert site(tmp_path, "", style) == [
        "site.css: loads https://example.com/a.css",
        "site.css: loads //example.com/b.png",
    ]


def test_the_page_for_what_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text('<a href="/other/">x</a><script src="https://example.com/x.js"></script>')
    assert site(tmp_path, "") == ["404.html: loads https://example.com/x.js"]
