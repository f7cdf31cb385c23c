"""How Go is run, with a stand-in for Go."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from sandbox.toolchain.build import build, download
from sandbox.toolchain.go import GoError
from sandbox.toolchain.modules import Module
from sandbox.toolchain.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

FAKE_GO = """#!/bin/sh
case "$1" in
version) echo go version go1.26.0 linux/amd64 ;;
list) echo a; echo b; echo c ;;
build) {build} ;;
esac
"""


@pytest.fixture
def module(tmp_path: Path) -> Module:
    folder = tmp_path / "etcd"
    folder.mkdir()
    (folder / "go.mod").write_text("go 1.26.0\n\nrequire example.org/server/v3 v3.6.6\n")
    (folder / "go.sum").write_text("")
    return Module(folder, "example.org/server/v3", {"etcd": "example.org/server/v3"})


def fake_go(folder: Path, build_command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "go").write_text(FAKE_GO.format(build=build_command))
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_program_gets_its_own_name(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_go(tmp_path, 'while [ "$1" != -o ]; do shift; done; echo "$3" > "$2/server"', monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    build(module, ["etcd"], out)
    assert (out / "etcd").read_text() == "example.org/server/v3\n"
    said = capfd.readouterr().err
    assert "building etcd v3.6.6" in said
    assert "etcd v3.6.6: built" in said


def test_the_end_of_what_go_said_is_in_the_error(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, "seq 1 100 >&2; echo out of memory >&2; exit 3", monkeypatch)
    with pytest.raises(GoError, match=r"build failed with exit code 3:") as caught:
        build(module, ["etcd"], tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[-1] == "    out of memory"
    assert len(lines) == 21


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_elsewhere_is_a_line_every_20_seconds() -> None:
    stream = io.StringIO()
    progress = Progress(stream, "job", iter([0.0, 19.0, 20.0, 30.0, 41.0, 42.0]).__next__)
    for number in range(1, 5):
        progress.show(f"step {number}")
    progress.end("done")
    assert stream.getvalue() == "job: step 2, 20 s\njob: step 4, 41 s\njob: done, 42 s\n"


def test_progress_on_a_terminal_is_one_line() -> None:
    stream = Terminal()
    progress = Progress(stream, "job", iter([0.0, 1.0, 2.0, 3.0]).__next__)
    progress.show("step 1")
    progress.show("step 2")
    progress.end("done")
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\r\x1b[Kjob: done, 3 s\n")


def test_the_source_of_a_module_is_where_go_keeps_it(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "go").write_text(
        '#!/bin/sh\ncase "$1" in\nversion) echo go version go1.26.0 linux/amd64 ;;\n'
        'mod) echo "$3" > downloaded ;;\nlist) echo "/kept/$(cat downloaded)" ;;\nesac\n'
    )
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert str(download(module)) == "/kept/example.org/server/v3"
