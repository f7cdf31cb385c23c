"""What goes into the root file system of the image."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import botocore
import pytest

from tools.image.debian import only, owners
from tools.image.libraries import copy_with_links, needed
from tools.image.locked import requirement
from tools.image.packages import SERVICES, prune, version_of
from tools.image.system import USER

REPOSITORY = Path(__file__).parents[3]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")

MAKES_CLIENTS = {"_client_creator": 0, "client_creator": 0, "create_client": 0, "create_nested_client": 1}

LISTING = """\
	linux-vdso.so.1 (0x00007fffa1b2c000)
	libpython3.13.so.1.0 => /usr/local/lib/libpython3.13.so.1.0 (0x00007f0000000000)
	libc.so.6 => /lib/aarch64-linux-gnu/libc.so.6 (0x00007f1111111111)
	/lib/ld-linux-aarch64.so.1 (0x00007f2222222222)
"""


def services_that_botocore_asks() -> set[str]:
    """The services whose clients botocore makes by itself, read out of its source."""
    found = set()
    for source in Path(botocore.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                place = MAKES_CLIENTS.get(name, len(call.args))
                named = [arg.value for arg in call.args[place : place + 1] if isinstance(arg, ast.Constant)]
                found |= {service for service in named if isinstance(service, str)}
    return found


def test_every_service_that_gives_credentials_is_kept() -> None:
    asked = services_that_botocore_asks()
    assert {"sts", "sso"} <= asked
    assert asked | {"appconfigdata"} == SERVICES


def test_the_dockerfile_has_the_version_and_the_user() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(re.findall(r"^ARG VERSION=(.*)$", DOCKERFILE, re.MULTILINE)) == {project["version"]}
    assert f'title="{project["name"]}"' in DOCKERFILE
    assert f'description="{project["description"]}"' in DOCKERFILE
    assert f"\nUSER {USER}:{USER}\n" in DOCKERFILE


def test_the_variables_of_the_image() -> None:
    (written,) = re.findall(r"^ENV (PATH=(?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
    assert dict(pair.split("=") for pair in written.replace("\\\n", " ").split()) == {
        "PATH": "/usr/local/bin",
        "LANG": "C.UTF-8",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def test_pip_takes_nothing_without_a_digest() -> None:
    lines = re.sub(r"\\\n *", "", DOCKERFILE)
    installs = re.findall(r"-m pip install ([^&\n]*)", lines)
    assert len(installs) == 4
    # One reaches no index: it builds what is ours, with what is there.
    (ours,) = (options for options in installs if "--no-index --no-build-isolation" in options)
    assert all("--require-hashes --no-deps --only-binary :all:" in options for options in installs if options != ours)


def test_a_package_as_the_lock_has_it() -> None:
    locked = """
        [[package]]
        name = "other"
        version = "1"
        [[package]]
        name = "tool"
        version = "2.1"
        sdist = { hash = "sha256:cc" }
        wheels = [{ hash = "sha256:aa" }, { hash = "sha256:bb" }]
    """
    assert requirement(locked, "tool") == "tool==2.1 --hash=sha256:aa --hash=sha256:bb\n"


def test_the_uv_of_the_lock_is_the_required_one_and_needs_no_other_package() -> None:
    lock = (REPOSITORY / "uv.lock").read_text(encoding="utf-8")
    required = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]
    assert requirement(lock, "uv").startswith(f"uv{required['required-version']} --hash=sha256:")
    (uv,) = (package for package in tomllib.loads(lock)["package"] if package["name"] == "uv")
    assert "dependencies" not in uv


def test_the_wheel_is_built_by_what_the_lock_has() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["dependency-groups"]["build"] == project["build-system"]["requires"]


@pytest.mark.parametrize("file", ["Dockerfile", *sorted(str(path) for path in REPOSITORY.glob("tools/image/*.py"))])
def test_nothing_is_for_one_architecture(file: str) -> None:
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    assert re.findall("x86|amd64|aarch64|arm64", text) == []


def test_libraries_and_the_loader() -> None:
    assert [str(path) for path in needed(LISTING)] == [
        "/usr/local/lib/libpython3.13.so.1.0",
        "/lib/aarch64-linux-gnu/libc.so.6",
        "/lib/ld-linux-aarch64.so.1",
    ]


def test_what_needs_no_library() -> None:
    assert needed("\tstatically linked\n") == []


def test_a_missing_library_is_named() -> None:
    with pytest.raises(ValueError, match=r"Libraries are missing: libffi\.so\.8$"):
        needed(f"{LISTING}\tlibffi.so.8 => not found\n")


def test_a_file_is_copied_with_the_links_on_the_way_to_it(tmp_path: Path) -> None:
    here, root = tmp_path / "here", tmp_path / "root"
    (here / "real").mkdir(parents=True)
    (here / "real/libz.so.1.3").write_text("z")
    (here / "real/libz.so.1").symlink_to("libz.so.1.3")
    (here / "real/other.so").symlink_to(here / "real/libz.so.1")
    (here / "link").symlink_to("real")
    places = copy_with_links(here / "link/other.so", root)
    assert [place.name for place in places] == ["other.so", "libz.so.1", "libz.so.1.3"]
    copies = [root / place.relative_to("/") for place in places]
    assert [copy.is_symlink() for copy in copies] == [True, True, False]
    assert copies[0].readlink() == here / "real/libz.so.1"
    assert copies[2].read_text() == "z"
    # Again, by another name.
    assert copy_with_links(here / "real/libz.so.1", root) == places[1:]


def test_owners_of_files() -> None:
    listing = "libc6:arm64: /usr/lib/libc.so.6\nbase-files: /etc/debian_version\nlocal diversion from: /x\n"
    assert owners(listing) == {"/usr/lib/libc.so.6": "libc6", "/etc/debian_version": "base-files"}


def test_digests_of_files_that_are_there() -> None:
    assert only("aa  usr/lib/a\nbb  usr/lib/ab\ncc  usr/share/doc/a\n", {"usr/lib/a"}) == "aa  usr/lib/a\n"


def test_what_is_left_of_packages(tmp_path: Path) -> None:
    for folder in ("boto3/data/s3", "botocore/data/s3", "botocore/data/sts", "kubernetes/aio", "kubernetes/client"):
        (tmp_path / "packages" / folder).mkdir(parents=True)
    (tmp_path / "packages/botocore/data/endpoints.json").touch()
    (tmp_path / "bin").mkdir()
    for script in ("appconfig-operator", "kopf"):
        (tmp_path / "bin" / script).touch()
    prune(tmp_path / "packages", tmp_path / "bin")
    assert sorted(path.name for path in (tmp_path / "bin").iterdir()) == ["appconfig-operator"]
    left = sorted(
        str(path.relative_to(tmp_path / "packages")) for path in tmp_path.glob("packages/*/**") if path.is_dir()
    )
    assert left == ["boto3", "botocore", "botocore/data", "botocore/data/sts", "kubernetes", "kubernetes/client"]
    assert (tmp_path / "packages/botocore/data/endpoints.json").exists()


def test_the_version_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "appconfig_operator-0.2.0rc1.dist-info").mkdir()
    (tmp_path / "appconfig-1.dist-info").mkdir()
    assert version_of(tmp_path, "appconfig_operator") == "0.2.0rc1"
