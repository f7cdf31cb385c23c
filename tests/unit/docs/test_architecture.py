"""The figure of packages in docs/architecture.md is what the imports are."""

from __future__ import annotations

from pathlib import Path

import grimp

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = "appconfig_operator"


def part(module: str) -> str:
    """Return the package or module of the top level that a module belongs to."""
    return module.split(".")[1]


def imports() -> dict[str, set[str]]:
    """Return which parts each part imports."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    modules = sorted(graph.modules - {PACKAGE})
    found: dict[str, set[str]] = {part(module): set() for module in modules}
    for module in modules:
        found[part(module)] |= {part(one) for one in graph.find_modules_directly_imported_by(module) if one != PACKAGE}
    return {importer: imported - {importer} for importer, imported in found.items()}


def reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    """Return all that a part imports, directly or not."""
    found: set[str] = set()
    ahead = set(graph[start])
    while ahead:
        found |= ahead
        ahead = {one for name in ahead for one in graph[name]} - found
    return found


def figure() -> str:
    """Draw the parts: an arrow for each import, but for those that others lead to already."""
    graph = imports()
    lines = ["flowchart TD"]
    for importer in sorted(graph):
        further = {one for name in graph[importer] for one in reached(name, graph)}
        lines += [f"  {importer} --> {imported}" for imported in sorted(graph[importer] - further)]
    return "\n".join(lines)


def test_the_figure_of_packages_is_drawn_from_the_imports() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"```mermaid\n{figure()}\n```" in text, f"put this into docs/architecture.md:\n{figure()}"
