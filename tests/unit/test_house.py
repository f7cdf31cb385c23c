"""What holds for the package as a whole."""

from __future__ import annotations

import ast
import subprocess
import sys
import sysconfig
from importlib import metadata, resources
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "appconfig_operator"
MODULES = sorted(PACKAGE.rglob("*.py"))


def python(*arguments: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=60, cwd=cwd)
    return done.stdout.strip()


@pytest.mark.parametrize("cwd", [ROOT, ROOT / "operator", Path("/")], ids=["repo", "source root", "elsewhere"])
@pytest.mark.parametrize("options", [[], ["-P"]], ids=["plain", "safe path"])
def test_operator_is_pythons_own(cwd: Path, options: list[str]) -> None:
    """The folder `operator/` must not stand in for the module of the standard library."""
    code = "import appconfig_operator, operator; print(operator.__file__); operator.itemgetter"
    found = Path(python(*options, "-c", code, cwd=cwd))
    assert found == Path(sysconfig.get_path("stdlib")) / "operator.py"


def test_source_root_is_no_package() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    children = {child.name for child in (ROOT / "operator").iterdir()} - {"__pycache__"}
    assert children == {"appconfig_operator"}


def test_installed_is_what_is_required() -> None:
    requirements = [Requirement(text) for text in metadata.requires("appconfig-operator") or ()]
    assert {"boto3", "kopf", "kubernetes"} <= {requirement.name for requirement in requirements}
    for requirement in requirements:
        assert requirement.specifier.contains(metadata.version(requirement.name)), requirement
        assert any(specifier.operator in {">=", "=="} for specifier in requirement.specifier), requirement


def test_typed() -> None:
    assert resources.files("appconfig_operator").joinpath("py.typed").is_file()


def imports(path: Path) -> set[str]:
    """Return the top-level modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(
    ("library", "where"),
    [
        ("kopf", {"watches/handlers.py"}),
        ("kubernetes", {"kube"}),
        ("boto3", {"aws"}),
        ("botocore", {"aws"}),
        ("click", {"__main__.py"}),
        ("prometheus_client", {"telemetry/gauges.py", "telemetry/metrics.py"}),
        ("sandbox", set()),
        ("tests", set()),
    ],
)
def test_where_libraries_are_imported(library: str, where: set[str]) -> None:
    users = {str(path.relative_to(PACKAGE)) for path in MODULES if library in imports(path)}
    assert {
        next((place for place in where if user == place or user.startswith(f"{place}/")), user) for user in users
    } == where


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_one_idea(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    imported = sum(
        node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node.end_lineno
    )
    assert len(text.splitlines()) - imported < 300
    assert ast.get_docstring(tree), "it says what it is for"


FACADES = {"Scheduler": 23}
"""Classes with more public methods: the scheduler is the one lock over the schedule, for all threads that use it."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_class_has_few_public_methods(path: Path) -> None:
    """A file can be cut anywhere; a class that does many things shows in what it offers."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            public = [each.name for each in node.body if isinstance(each, ast.FunctionDef) and each.name[0] != "_"]
            assert len(public) <= FACADES.get(node.name, 12), (node.name, public)


IDEAS = {
    "aws/test_tokens_unseen.py",
    "benchmarks/test_neighbours.py",
    "core/formats/test_fuzz.py",
    "docs/test_pages.py",
    "docs/test_proofs.py",
    "engine/test_drift.py",
    "engine/test_flags.py",
    "engine/test_history.py",
    "engine/test_kept.py",
    "engine/test_take_over.py",
    "engine/test_trouble.py",
    "manifests/test_examples.py",
    "sandbox/test_paths.py",
    "test_canary.py",
    "test_house.py",
    "test_workflows.py",
}
"""Files of tests that are about an idea of several modules, or about something that is not a module."""


def test_a_test_has_the_name_of_its_module() -> None:
    """`tests/unit` mirrors the package and the repository: a file is called as what it tests, or begins so."""
    unit = ROOT / "tests" / "unit"
    strays = set()
    for path in unit.rglob("test_*.py"):
        folder, name = path.parent.relative_to(unit), path.stem.removeprefix("test_")
        tested = {
            found.stem.strip("_").replace("-", "_") for root in (PACKAGE, ROOT) for found in (root / folder).glob("*")
        }
        if not any(name == stem or name.startswith(f"{stem}_") for stem in tested):
            strays.add(str(path.relative_to(unit)))
    assert strays == IDEAS


def test_modules_are_imported_late() -> None:
    """`--help` and `version` need neither boto3 nor Kopf, which take a second."""
    code = "import sys, appconfig_operator.__main__; print(*{'boto3', 'kopf', 'kubernetes'} & set(sys.modules))"
    assert python("-c", code, cwd=ROOT) == ""
