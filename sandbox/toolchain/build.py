"""Builds programs with Go, and shows the progress."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.processes.process import tail
from sandbox.toolchain.go import ENVIRONMENT, GoError, find_go
from sandbox.toolchain.persistence import persist
from sandbox.toolchain.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.toolchain.modules import Module

_TICK = 0.5


def build(module: Module, programs: list[str], folder: Path) -> None:
    """Build programs of one Go module.

    Parameters
    ----------
    module
        The module.
    programs
        The programs to build.
    folder
        The folder to put them in, under their own names.

    Raises
    ------
    GoError
        If Go is missing or fails.
    """
    sys.stderr.write(
        f"sandbox: building {', '.join(programs)} {module.version} with Go. The first time, this can take some minutes,"
        " including downloads; then they are cached.\n"
    )
    go = find_go(module.go_mod)
    packages = [module.packages[program] for program in programs]
    progress = Progress(sys.stderr, f"sandbox: {module.folder.name} {module.version}")
    command = [str(go), "list", "-deps", *packages]
    # It downloads. Go keeps what it has, so the next attempt continues from there.
    needed = persist(lambda: _run(module, command, progress, total=None), GoError, "download")
    flags = ["-v", *module.flags, "-o", f"{folder}{os.sep}"]
    _run(module, [str(go), "build", *flags, *packages], progress, total=len(needed))
    for program in programs:
        (folder / module.built_name(program)).rename(folder / program)
    progress.end("built")


def download(module: Module) -> Path:
    """Download the source of a Go module, unless Go has it already.

    Parameters
    ----------
    module
        The module.

    Returns
    -------
    pathlib.Path
        The folder that Go keeps the source in.

    Raises
    ------
    GoError
        If Go is missing or fails.
    """
    go = str(find_go(module.go_mod))
    progress = Progress(sys.stderr, f"sandbox: {module.folder.name} {module.version}")
    fetch = [go, "mod", "download", module.requires]
    persist(lambda: _run(module, fetch, progress, total=None), GoError, "download")
    (folder,) = _run(module, [go, "list", "-m", "-f={{.Dir}}", module.requires], progress, total=None)
    return Path(folder)


def _run(module: Module, command: list[str], progress: Progress, total: int | None) -> list[str]:
    """Run Go in a module, and yield the lines that it prints."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=module.folder,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as child:
        try:
            for line in _lines(child):
                if line is not None:
                    lines.append(line)
                progress.show(_how_far(lines, total))
        except BaseException:
            child.terminate()
            raise
    if child.returncode != 0:
        message = f"{' '.join(command[:2])} failed with exit code {child.returncode}:\n{tail(chr(10).join(lines))}"
        raise GoError(message)
    return lines


def _lines(child: subprocess.Popen[str]) -> Iterator[str | None]:
    """Yield what a child prints line by line, and None while it prints nothing."""
    arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    output = child.stdout

    def read() -> None:
        for line in output or ():
            arrived.put(line.rstrip("\n"))
        arrived.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while True:
        try:
            line = arrived.get(timeout=_TICK)
        except queue.Empty:
            yield None
            continue
        if line is None:
            reader.join()
            return
        yield line


def _how_far(lines: list[str], total: int | None) -> str:
    downloads = sum(line.startswith("go: downloading ") for line in lines)
    if total is None:
        return f"{downloads} modules downloaded"
    # Go does not list packages that it has already compiled, so the count may stay below the total.
    return f"{len(lines) - downloads} packages compiled, of {total} at most"
