"""The command line, in a process of its own: what is wrong is one line, and exit status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("appconfig-operator")


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
        env={**kept, "PATH": "/usr/bin:/bin", "HOME": str(cwd), **environment},
    )


def set_(name: str, value: str) -> dict[str, str]:
    return {f"APPCONFIG_OPERATOR_{name}": value}


MISTAKES: list[tuple[str, list[str], dict[str, str], str]] = [
    ("unknown flag", ["run", "--wrokers=1"], {}, "--wrokers"),
    ("unknown command", ["rum"], {}, "No such command 'rum'."),
    ("argument", ["run", "shop"], {}, "Got unexpected extra argument (shop)"),
    ("workers 0", ["run", "--workers=0"], {}, "Invalid value for '--workers'"),
    ("too many workers", ["run", "--workers=257"], {}, "257 is not in the range 1<=x<=256"),
    ("workers text", ["run", "--workers=many"], {}, "'many' is not a valid integer"),
    ("workers empty", ["run", "--workers="], {}, "'' is not a valid integer"),
    ("log format", ["run", "--log-format=xml"], {}, "'xml' is not one of 'json', 'text'"),
    ("log level", ["run", "--log-level=trace"], {}, "'trace' is not one of 'debug', 'info', 'warning', 'error'"),
    ("namespace", ["run", "--namespace=A_b"], {}, "--namespace: 'A_b' is not the name of a namespace"),
    ("empty namespace", ["run", "--namespace="], {}, "--namespace: '' is not the name of a namespace"),
    ("flag without value", ["run", "--workers"], {}, "Option '--workers' requires an argument"),
    ("variable workers", ["run"], set_("WORKERS", "0"), "Invalid value for '--workers' (env var"),
    ("variable log format", ["run"], set_("LOG_FORMAT", "xml"), "'xml' is not one of"),
    ("variable log level", ["run"], set_("LOG_LEVEL", "loud"), "'loud' is not one of"),
    ("variable namespace", ["run"], set_("NAMESPACE", "a B"), "--namespace: 'B' is not the name of a namespace"),
    ("policy file missing", ["run", "--policy-file=/no/such"], {}, "--policy-file /no/such: No such file or directory"),
    ("policy file folder", ["run", "--policy-file=/"], {}, "--policy-file /: Is a directory"),
    ("policy file empty", ["run", "--policy-file=/dev/null"], {}, "/dev/null: must be a mapping with the key rules"),
    ("policy file no text", ["run", "--policy-file=no-text"], {}, "--policy-file no-text: this is not UTF-8"),
    ("policy file wrong", ["run", "--policy-file=wrong"], {}, "--policy-file wrong: rules[0].namespaces: is required"),
    ("variable policy file", ["run"], set_("POLICY_FILE", "/no/such"), "--policy-file /no/such: No such file"),
    ("unknown variable", ["run"], set_("WORKER", "1"), "unknown environment variable APPCONFIG_OPERATOR_WORKER"),
    ("no kubeconfig", ["run"], {"KUBECONFIG": "/no/such/file"}, "the kubeconfig file '/no/such/file' does not exist"),
    ("kubeconfig no file", ["run"], {"KUBECONFIG": "/dev/null"}, "/dev/null cannot be used as a kubeconfig file"),
    ("no variable", ["run"], {}, "The variable KUBECONFIG names one"),
    (
        "endpoint",
        ["run"],
        {"AWS_ENDPOINT_URL_STS": "foo"},
        "AWS_ENDPOINT_URL_STS is not a URL: it must begin with https",
    ),
    (
        "CA bundle",
        ["run"],
        {"AWS_CA_BUNDLE": "/no/such"},
        "AWS_CA_BUNDLE: the file /no/such does not exist or cannot be read",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "environment", "words"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_mistakes(tmp_path: Path, arguments: list[str], environment: dict[str, str], words: str) -> None:
    (tmp_path / "no-text").write_bytes(b"\xff")
    (tmp_path / "wrong").write_text("rules: [{applications: [shop]}]", encoding="utf-8")
    done = run(*arguments, cwd=tmp_path, **environment)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("appconfig-operator: ")
    assert words in line


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_version(tmp_path: Path, argument: str) -> None:
    done = run(argument, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"appconfig-operator {version('appconfig-operator')}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]], ids=["long", "short"])
def test_help(tmp_path: Path, arguments: list[str]) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "run" in done.stdout
    assert "version" in done.stdout


def test_help_of_run(tmp_path: Path) -> None:
    """Each flag is there, with its variable."""
    done = run("run", "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    for name in ("namespace", "workers", "log-format", "log-level"):
        assert f"--{name} " in text
        assert f"APPCONFIG_OPERATOR_{name.upper().replace('-', '_')}" in text
    assert "KUBECONFIG" in text
    assert "AWS_REGION" in text


def test_without_a_command(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: appconfig-operator")


def test_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appconfig_operator", "version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.stdout == f"appconfig-operator {version('appconfig-operator')}\n"
