"""`make demo NODE=1`, as somebody sees it who runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.image import build_image
from sandbox.node.claim import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

V1, V2 = '{"currency": "EUR", "giftCards": false}', '{"currency": "EUR", "giftCards": true}'
CAT = "$ kubectl exec -n shop deploy/checkout-file-reader -- cat /etc/checkout/checkout.json"

# In this order, with anything in between.
EXPECTED = (
    r"\$ kubectl get nodes\n.*\n   node +Ready",
    r"\.tar\n   docker\.io/library/appconfig-operator:\S+ there after [\d.]+ s, on the node after [\d.]+ s more\.\n",
    r"\$ cat \S+/values\.yaml\n",
    r"\$ helm install appconfig-operator charts/appconfig-operator .* --wait .*\n",
    r"STATUS: deployed\n",
    r"appconfig-operator-\S+ +1/1 +Running +0 ",
    rf"{re.escape(CAT)}\n   {re.escape(V1)}\n",
    r"CONTAINER +RESTARTS\n   (?P<before>containerd://[0-9a-f]{64}) +0\n",
    r"Version 2 was in the file [\d.]+ s after its deployment was complete:\n",
    r"[\d.]+ s until the next poll had brought it",
    r"[\d.]+ s to write the ConfigMap;\n",
    r"[\d.]+ s until the kubelet had changed the file",
    rf"{re.escape(CAT)}\n   {re.escape(V2)}\n",
    r"CONTAINER +RESTARTS\n   (?P=before) +0\n",
    r"NotFound: The environment productoin does not exist",
    r"appconfigsource\.appconfig-operator\.io/wrong patched\n",
    r"\$ helm uninstall appconfig-operator ",
    r'release "appconfig-operator" uninstalled\n',
    r"configmap/checkout-file +1 ",
    rf"{re.escape(CAT)}\n   {re.escape(V2)}\n",
    r"Done in \d+ s\. Nothing is left running\.\n",
)


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """What takes long for the first time is not to be awaited in a demo under test."""
    build_image()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where all temporary files of a demo go. A short name: there will be sockets in it."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        yield Path(name)


@pytest.fixture
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo on a node, as its own process."""
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox.demo", "--node"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def left(folder: Path, reported: str) -> list[str]:
    """What is left of a demo: files, programs that name its folder, and the cgroups of its Pods."""
    number = re.search(r"appconfigdata: http://(?:10\.198|198\.18)\.(\d+)\.", reported)
    assert number is not None, reported
    found = [str(path) for path in folder.iterdir()]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_text(encoding="utf-8", errors="replace").replace("\0", " ")
            group = path.with_name("cgroup").read_text(encoding="utf-8")
        except OSError:  # it has just ended
            continue
        if str(folder) in command or f"/{PREFIX}{number[1]}/" in group:
            found.append(command)
    return found


@pytest.mark.timeout(600)
def test_demo_on_a_node(demo: subprocess.Popen[str], folder: Path) -> None:
    reported, complaints = demo.communicate(timeout=580)
    assert (demo.returncode, complaints) == (0, ""), reported
    assert re.search(".*?".join(EXPECTED), reported, re.DOTALL), reported
    assert left(folder, reported) == []


@pytest.mark.timeout(400)
def test_interrupted_demo_leaves_nothing(demo: subprocess.Popen[str], folder: Path) -> None:
    assert demo.stdout is not None
    reported = ""
    for line in demo.stdout:
        reported += line
        if "$ helm install" in line:
            break
    assert left(folder, reported) != []

    demo.send_signal(signal.SIGINT)
    rest, complaints = demo.communicate(timeout=150)
    assert (demo.returncode, complaints) == (130, "")
    assert (reported + rest).endswith("\nInterrupted. Nothing is left running.\n")
    assert left(folder, reported) == []
