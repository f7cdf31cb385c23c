"""The image of the operator: what is in it, what is not, and that it works with nothing to write to."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.image import Archive, build_image
from tests.node.support.image import USER, Unpacked
from tools.image.packages import SERVICES

# When the image is not there yet, the first test waits for it.
pytestmark = pytest.mark.timeout(600)

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Every module of every package, but for their own tests; and why those failed that could not be imported.
IMPORT_ALL = """
import importlib, json, pkgutil, sys, sysconfig
missing = {}
for module in pkgutil.walk_packages([sysconfig.get_path("purelib")], onerror=lambda name: None):
    if "test" in module.name or "__main__" in module.name:
        continue
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        missing[module.name] = error.name or ""
    except Exception as error:
        missing[module.name] = type(error).__name__
print("\\n" + json.dumps({"missing": missing, "standard": sorted(sys.stdlib_module_names)}))
"""

BYTE_CODE = """
import importlib.util, json, pathlib, sys
bad = []
for source in pathlib.Path("/usr/local/lib").rglob("*.py"):
    code = pathlib.Path(importlib.util.cache_from_source(source))
    # PEP 552: the second word is 1 for byte-code that is found by a hash, which is not checked.
    if not code.exists() or code.read_bytes()[:8] != importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0":
        bad.append(str(source))
print(json.dumps(bad))
"""

INSTALLED = """
import importlib.metadata, json, re
found = importlib.metadata.distributions()
print(json.dumps({re.sub("[-_.]+", "-", one.name).lower(): one.version for one in found}))
"""


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """The image, unpacked."""
    archive = Archive(build_image())
    root = tmp_path_factory.mktemp("image")
    # A folder for pytest is for one user alone; those of the image are not.
    for folder in (root, *root.parents):
        if folder.stat().st_mode & stat.S_IXOTH == 0:
            folder.chmod(0o755)
    archive.unpack(root)
    return Unpacked(archive, root)


def files(image: Unpacked) -> dict[str, Path]:
    return {
        f"/{path.relative_to(image.root)}": path
        for path in image.root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_it_starts_as_the_deployment_wants_it(image: Unpacked) -> None:
    deployment = yaml.safe_load((REPOSITORY / "manifests/base/deployment.yaml").read_text(encoding="utf-8"))
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    config = image.archive.config
    assert config["Entrypoint"] == ["appconfig-operator"]
    assert config["Cmd"] == container["args"]
    assert config["User"] == f"{USER}:{USER}"
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["runAsGroup"] == USER
    assert set(config["ExposedPorts"]) == {f"{port['containerPort']}/tcp" for port in container["ports"]}
    assert config["StopSignal"] == "SIGTERM"
    assert "Healthcheck" not in config


def test_labels_and_variables(image: Unpacked) -> None:
    labels = image.archive.config["Labels"]
    named = "org.opencontainers.image."
    assert labels[f"{named}title"] == PROJECT["name"]
    assert labels[f"{named}description"] == PROJECT["description"]
    assert labels[f"{named}licenses"] == PROJECT["license"]
    assert labels[f"{named}version"] == PROJECT["version"]
    # Nothing set these, and nothing is made up.
    assert [labels[f"{named}{name}"] for name in ("revision", "created", "source")] == ["", "", ""]
    variables = image.archive.config["Env"]
    assert {"PYTHONSAFEPATH=1", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"} <= set(variables)


def test_the_only_programs_are_python_and_the_operator(image: Unpacked) -> None:
    programs = {name for name, path in files(image).items() if path.stat().st_mode & 0o111 and ".so" not in name}
    (interpreter,) = (name for name in programs if name.startswith("/usr/local/bin/python3."))
    # Modules that are also programs have a #! line of Python.
    modules = {name for name in programs if name.startswith("/usr/local/lib/python3.") and name.endswith(".py")}
    assert programs - modules == {interpreter, "/usr/local/bin/appconfig-operator"}


@pytest.mark.parametrize("name", ["sh", "bash", "dash", "busybox", "pip", "apt", "dpkg", "uv", "ldconfig"])
def test_no_tools(image: Unpacked, name: str) -> None:
    assert [path for path in files(image) if Path(path).name == name] == []
    # Packages that are run as modules have a folder of that name.
    (packages,) = (image.root / "usr/local/lib").glob("python3.*/site-packages")
    assert not (packages / name).exists()


def test_nothing_is_for_its_user_to_write(image: Unpacked) -> None:
    members = image.archive.members()
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}
    assert [member.name for member in members if not member.issym() and member.mode & 0o022] == ["tmp"]
    assert [member.name for member in members if member.mode & 0o7000 and member.name != "tmp"] == []


def test_nothing_of_the_machine_that_built_it(image: Unpacked) -> None:
    # Not every architecture has lib64.
    assert {path.name for path in image.root.iterdir()} - {"lib64"} == {"etc", "home", "lib", "tmp", "usr", "var"}
    assert not (image.root / "etc/pip.conf").exists()
    assert not (image.root / "build").exists()


def test_byte_code_of_every_module_that_is_never_checked(image: Unpacked) -> None:
    assert json.loads(image.python(BYTE_CODE)) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["--help"], "Usage: appconfig-operator "),
        (["run", "--help"], "--log-format"),
        (["version"], PROJECT["version"]),
    ],
    ids=["help", "run", "version"],
)
def test_commands(image: Unpacked, command: list[str], said: str) -> None:
    run = image.run("appconfig-operator", *command)
    assert run.returncode == 0, run.stderr
    assert said in run.stdout


def test_its_user_can_write_nowhere(image: Unpacked) -> None:
    run = image.run("python3", "-c", "open('/home/appconfig-operator/x', 'w')")
    assert "Read-only file system" in run.stderr
    assert image.python("import os; print(os.getuid(), os.getgid(), os.getgroups())").strip() == f"{USER} {USER} []"


def test_operator_is_the_module_of_python(image: Unpacked) -> None:
    file, path = json.loads(
        image.python("import json, operator, sys; print(json.dumps([operator.__file__, sys.path]))")
    )
    assert file.startswith("/usr/local/lib/python3.")
    assert "" not in path


def test_the_versions_of_uv_lock_and_nothing_else(image: Unpacked) -> None:
    installed = json.loads(image.python(INSTALLED))
    assert installed.pop(PROJECT["name"]) == PROJECT["version"]
    command = [str(Path(sys.prefix) / "bin/uv"), "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project"]
    shape = ["--no-hashes", "--no-header", "--no-annotate"]
    lines = subprocess.run(
        [*command, *shape], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    pinned = dict(line.partition(" ")[0].split("==") for line in lines)
    everywhere = {line.partition("==")[0] for line in lines if ";" not in line}
    assert installed == {name: pinned.get(name) for name in installed}
    assert everywhere <= set(installed)


def test_nothing_was_left_out_that_a_package_imports(image: Unpacked) -> None:
    result: dict[str, Any] = json.loads(image.python(IMPORT_ALL).splitlines()[-1])
    of_windows = {"msvcrt", "winreg"}
    left_out = {"kubernetes.aio", *result["standard"]} - of_windows
    assert {name: why for name, why in result["missing"].items() if why in left_out or why.endswith("Exception")} == {
        # An example that wants a kubeconfig at once.
        "kubernetes.leaderelection.example": "ConfigException"
    }
    assert [name for name in result["missing"] if name.startswith("appconfig_operator")] == []


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_clients_of_aws_can_be_made(image: Unpacked, service: str) -> None:
    code = (
        f"import boto3; print(boto3.session.Session().client({service!r}, region_name='eu-west-1').meta.endpoint_url)"
    )
    assert image.python(code).startswith("https://")


def test_certificates_are_found(image: Unpacked) -> None:
    assert int(image.python("import ssl; print(len(ssl.create_default_context().get_ca_certs()))")) > 100


def test_scanners_are_told_of_every_file_of_debian(image: Unpacked) -> None:
    described = image.root / "var/lib/dpkg/status.d"
    digests: dict[str, str] = {}
    for listing in described.glob("*.md5sums"):
        lines = listing.read_text(encoding="utf-8").splitlines()
        # Older packages say /lib for /usr/lib.
        digests |= {f"/{path}".replace("//", "/"): digest for digest, path in (line.split() for line in lines)}
    libraries = [name for name in files(image) if name.startswith("/usr/lib/") and ".so" in name]
    assert libraries
    for name in libraries:
        content = files(image)[name].read_bytes()
        known = digests.get(name) or digests[name.removeprefix("/usr")]
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == known
    for stanza in (path for path in described.iterdir() if path.suffix != ".md5sums"):
        text = stanza.read_text(encoding="utf-8")
        assert f"Package: {stanza.name}\n" in text
        assert "\nVersion: " in text
        assert (image.root / "usr/share/doc" / stanza.name / "copyright").stat().st_size > 0
    assert "VERSION_CODENAME=" in (image.root / "etc/os-release").read_text(encoding="utf-8")
