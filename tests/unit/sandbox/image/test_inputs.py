"""What an image is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.image.inputs import base_name, context, key, python_and_codename

REPOSITORY = Path(__file__).parents[4]


def test_the_base_that_the_dockerfile_names() -> None:
    base = base_name((REPOSITORY / "Dockerfile").read_text(encoding="utf-8"))
    minor, codename = python_and_codename(base)
    assert base.endswith(f"/python:{minor}-slim-{codename}")


def test_a_dockerfile_without_a_base() -> None:
    with pytest.raises(ValueError, match="no ARG BASE"):
        base_name("FROM scratch\n")


@pytest.mark.parametrize(
    ("base", "found"),
    [("a/python:3.13-slim-trixie", ("3.13", "trixie")), ("a.b/c/python:3.12.4-slim-bookworm", ("3.12", "bookworm"))],
    ids=["minor", "patch"],
)
def test_what_a_base_is(base: str, found: tuple[str, str]) -> None:
    assert python_and_codename(base) == found


@pytest.mark.parametrize("base", ["a/python:3.13", "a/python:3.13-alpine", "a/debian:trixie-slim"])
def test_a_base_that_cannot_be_made(base: str) -> None:
    with pytest.raises(ValueError, match=base):
        python_and_codename(base)


def test_what_a_build_sees(repository: Path) -> None:
    seen = [str(path.relative_to(repository)) for path in context(repository)]
    assert seen == [".dockerignore", "Dockerfile", "code/a.py", "one"]


def test_the_real_build_sees_what_it_needs_and_no_tests() -> None:
    seen = {str(path.relative_to(REPOSITORY)) for path in context(REPOSITORY)}
    assert {"uv.lock", "pyproject.toml", "operator/appconfig_operator/app.py", "tools/image/__main__.py"} <= seen
    assert {name.partition("/")[0] for name in seen if "/" in name} == {"operator", "tools"}


def test_the_key_follows_content_names_modes_and_the_rest(repository: Path) -> None:
    def now(*others: str) -> str:
        return key(repository, context(repository), *others)

    keys = [now(), now("base")]
    (repository / "one").write_text("2")
    keys.append(now())
    (repository / "one").chmod(0o755)
    keys.append(now())
    (repository / "code/a.py").rename(repository / "code/b.py")
    keys.append(now())
    assert len(set(keys)) == len(keys)
    (repository / "other").write_text("p")
    assert now() == keys[-1]
