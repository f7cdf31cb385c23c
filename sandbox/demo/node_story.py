"""The demo on a node: the operator is a Pod of its own image, installed with Helm, and a Pod reads a file."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sandbox.aws.ministack import MiniStack
from sandbox.demo.node_files import overlay, values
from sandbox.demo.story import (
    DEPLOY_THIRD,
    KEY,
    NAMESPACE,
    PYTHON,
    ROOT,
    SOON,
    VERSIONS,
    Story,
    errors_in,
    expect,
    relative,
    told_wait,
)
from sandbox.image import IMAGE, build_image
from sandbox.kube.helm import Helm
from sandbox.kube.kubectl import KubectlError
from sandbox.kube.operator_process import MANIFESTS
from sandbox.kube.operator_process import NAMESPACE as OPERATOR
from sandbox.node import BUSYBOX_IMAGE, Cluster, ensure_packages
from sandbox.node.packages import check_machine
from sandbox.processes.waiting import wait_until
from sandbox.toolchain.modules import GROUPS
from sandbox.toolchain.provision import ensure_programs, program

if TYPE_CHECKING:
    from contextlib import ExitStack

    from sandbox.demo.narrator import Narrator

_CHART = ROOT / "charts" / "appconfig-operator"
_SAMPLE = MANIFESTS / "samples" / "consumers" / "file-mount.yaml"
_WRONG = MANIFESTS / "samples" / "wrong-source.yaml"
_READER = "deploy/checkout-file-reader"
_FOLDER = "/etc/checkout"
_CONTAINER = (
    "custom-columns=CONTAINER:.status.containerStatuses[*].containerID,"
    "RESTARTS:.status.containerStatuses[*].restartCount"
)
_FILE_TIMEOUT = 30.0
_GONE_TIMEOUT = 60.0
_LOG_LINES = 1000


@dataclass(frozen=True)
class Place:
    """The servers of a story on a node."""

    cluster: Cluster
    folder: Path
    """The folder for its files."""


class NodeStory(Story):
    """Everything in Pods, on a node that starts here and ends with the story. It needs root, and Debian packages."""

    title = "appconfig-operator: versions of AWS AppConfig arrive in the files of a Pod. About a minute."
    source = "checkout-file"
    config_map = "checkout-file"

    def __init__(self, narrator: Narrator, place: Place, ministack: MiniStack) -> None:
        super().__init__(narrator, place.cluster.control_plane, ministack)
        self._cluster = place.cluster
        self._folder = place.folder
        self._helm = Helm(place.cluster.kubeconfig)
        self._installed = False
        self.processes = [*place.cluster.processes, ministack.process]
        self.folders = [place.cluster.folder, place.folder, ministack.folder]

    @staticmethod
    def prepare() -> None:
        """Build the programs, and install the packages."""
        check_machine()
        ensure_programs(modules=[*GROUPS["control-plane"], *GROUPS["node"]])
        ensure_packages()

    @classmethod
    def begin(cls, narrator: Narrator, stack: ExitStack) -> Self:
        """Start the servers."""
        narrator.step("Start Kubernetes with a node, and AppConfig")
        narrator.say(
            "A real control plane with scheduler, kubelet and containerd, and MiniStack in place of AWS. All of it is "
            "in namespaces of its own: no cluster, no container engine and no account of yours is needed or touched."
        )
        began = time.monotonic()
        cluster = stack.enter_context(Cluster())
        ministack = stack.enter_context(MiniStack(host=cluster.host))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="appconfig-operator-demo-")))
        narrator.output(f"Ready after {time.monotonic() - began:.1f} s.")
        return cls(narrator, Place(cluster, folder), ministack)

    def play(self, stack: ExitStack) -> None:  # noqa: ARG002 - all that starts here starts in the cluster
        """Return the story."""
        self._run("get", "nodes")
        self._bring_image()
        self._install()
        self._deploy_first()
        self._let_a_pod_read()
        self._show_second()
        self._narrator.step("Find out what is wrong")
        self._narrator.say("A source with a deliberate typo.")
        self._run("apply", "-f", relative(_WRONG))
        self._run("wait", "--for=condition=Stalled", "acs/wrong", "-n", NAMESPACE, SOON)
        self._show_what_is_wrong()

    def _bring_image(self) -> None:
        self._narrator.step("Bring the operator's image")
        self._narrator.say(
            "It is built from the unmodified Dockerfile, in half a minute or more, and kept as long as its sources are "
            "the same. The node takes it from a file; elsewhere you would push it to a registry."
        )
        self._narrator.command([relative(PYTHON), "-m", "sandbox.image"])
        began = time.monotonic()
        archive = build_image()
        built = time.monotonic()
        self._cluster.load_image(archive)
        loaded = time.monotonic()
        self._narrator.output(
            f"{archive}\n{IMAGE}: there after {built - began:.1f} s, on the node after {loaded - built:.1f} s more."
        )

    def _install(self) -> None:
        self._narrator.step("Install the operator with Helm")
        self._narrator.say("What differs from an installation for AWS:")
        file = self._folder / "values.yaml"
        file.write_text(values(IMAGE.rpartition(":")[0], self._ministack.environment()), encoding="utf-8")
        self._show(file)
        began = time.monotonic()
        self._installed = True
        options = ("--namespace", OPERATOR, "--create-namespace", "--values", str(file))
        waiting = ("--wait", "--timeout=90s", "--hide-notes")
        self._run_shown("helm", self._helm, "install", OPERATOR, relative(_CHART), *options, *waiting)
        self._narrator.say(f"The operator is ready, {time.monotonic() - began:.1f} s after that:")
        self._run("get", "pods", "-n", OPERATOR)

    def _let_a_pod_read(self) -> None:
        self._narrator.step("Let a Pod read the configuration")
        self._narrator.say(
            f"{relative(_SAMPLE)} has an AppConfigSource, and a Deployment that mounts its ConfigMap "
            f"as the folder {_FOLDER}. An overlay makes it fit this node."
        )
        folder = self._folder / "overlay"
        folder.mkdir()
        file = folder / "kustomization.yaml"
        file.write_text(overlay(_SAMPLE, self.source, BUSYBOX_IMAGE), encoding="utf-8")
        self._narrator.command(["cp", relative(_SAMPLE), str(folder)])
        shutil.copy(_SAMPLE, folder)
        self._show(file)
        self._run("create", "namespace", NAMESPACE)
        began = time.monotonic()
        self._run("apply", "-k", str(folder))
        self._run("wait", "--for=condition=Ready", f"acs/{self.source}", "-n", NAMESPACE, SOON)
        self._run("rollout", "status", _READER, "-n", NAMESPACE, SOON)
        self._narrator.say(f"The Pod is running, {time.monotonic() - began:.1f} s after it was applied:")
        self._run("get", "acs,pods", "-n", NAMESPACE)
        self._expect_content("v1")
        self._show_file("v1")

    def _show_second(self) -> None:
        self._narrator.step("Deploy version 2, and see the file change")
        self._narrator.say("This is the container that reads it now:")
        before = self._show_container()
        self._narrator.say("Nothing is applied in the cluster, and nothing is restarted.")
        arrival = self._deploy_second()
        wait_until(lambda: self._file == VERSIONS["v2"], _FILE_TIMEOUT, "version 2 in the file")
        swapped = (self._swapped - arrival.sync.written).total_seconds()
        total = arrival.waited + arrival.wrote_config_map + swapped
        self._narrator.output(
            f"Version 2 was in the file {total:.2f} s after its deployment was complete:\n"
            f"{told_wait(arrival)}\n"
            f"  {arrival.wrote_config_map:5.2f} s to write the ConfigMap;\n"
            f"  {swapped:5.2f} s until the kubelet had changed the file. This one looks every second; with the\n"
            f"          default of a minute, it takes up to a minute and a half (docs/measurements.md)."
        )
        self._show_file("v2")
        self._narrator.say("It is the same container, and it was not restarted:")
        after = self._show_container()
        expect(after == before, f"the same container as before\n{before}", f"\n{after}")

    def end(self) -> None:
        """Uninstall the operator."""
        self._narrator.step("Uninstall the operator")
        errors = errors_in(self.operator_log() or "")
        expect(not errors, "no error in the operator's log", "\n".join(errors))
        self._narrator.say(
            "Helm removes the operator and its permissions. The CRD of AppConfigSource stays, as crds.keep of the "
            "chart says, and so does what belongs to its users."
        )
        self._run_shown("helm", self._helm, "uninstall", OPERATOR, "--namespace", OPERATOR, "--wait")
        wait_until(self._operator_gone, _GONE_TIMEOUT, "the end of the operator's Pod")
        self._installed = False
        self._narrator.say("It is gone. The sources, the ConfigMap and the file are still there:")
        self._run("get", "acs,configmaps", "-n", NAMESPACE)
        self._expect_content("v2")
        self._show_file("v2")
        self._narrator.say("The node and the servers stop next, and everything that they held is removed.")

    def operator_log(self) -> str | None:
        """Read the log with kubectl."""
        if not self._installed:
            return None
        try:
            return self._kubectl("logs", f"deploy/{OPERATOR}", "-n", OPERATOR, f"--tail={_LOG_LINES}")
        except KubectlError as error:
            # For a container that never ran, the message of kubectl is what a user needs.
            return str(error)

    def _operator_gone(self) -> bool:
        return not self._kubectl("get", "pods", "-n", OPERATOR, "-o", "name").strip()

    def _show_container(self) -> str:
        return self._run("get", "pods", "-n", NAMESPACE, "-o", _CONTAINER)

    def _show_file(self, label: str) -> None:
        text = self._run("exec", "-n", NAMESPACE, _READER, "--", "cat", f"{_FOLDER}/{KEY}")
        expect(text == VERSIONS[label], f"the file to hold version {label}", text)

    @property
    def _file(self) -> str:
        return self._kubectl("exec", "-n", NAMESPACE, _READER, "--", "cat", f"{_FOLDER}/{KEY}")

    @property
    def _swapped(self) -> datetime:
        """When the kubelet changed the file: it creates a new link ..data for each version of a folder."""
        (link,) = self._cluster.folder.glob("kubelet/pods/*/volumes/kubernetes.io~configmap/configuration/..data")
        return datetime.fromtimestamp(link.lstat().st_mtime, UTC)

    @property
    def _programs(self) -> list[Path]:
        return [*super()._programs, program("helm").parent]

    @property
    def _ideas(self) -> list[tuple[str, str]]:
        options = "--reuse-values --wait --hide-notes --set replicaCount=2 --set shards=2"
        upgrade = f"helm upgrade {OPERATOR} {relative(_CHART)} -n {OPERATOR} {options}"
        reader = f"kubectl exec -n {NAMESPACE} {_READER} --"
        return [
            (
                "Deploy another version, and watch the file change. Each version needs a label of its own.",
                f"{DEPLOY_THIRD}; kubectl logs -n {NAMESPACE} {_READER} --follow",
            ),
            ("Look around in the container that reads the file.", f"{reader} ls -la {_FOLDER}"),
            (
                "See everything that is known about the source, with its Events.",
                f"kubectl describe acs {self.source} -n {NAMESPACE}",
            ),
            (
                "Read the operator's log.",
                f"kubectl logs -n {OPERATOR} -l app.kubernetes.io/name={OPERATOR} --prefix --follow",
            ),
            (
                "Upgrade to two replicas that share the work, and see which one has which shard.",
                f"{upgrade}; kubectl get leases -n {OPERATOR} --watch",
            ),
            (
                "Uninstall it: the ConfigMaps stay.",
                f"helm uninstall {OPERATOR} -n {OPERATOR} --wait; kubectl get configmaps -n {NAMESPACE}",
            ),
        ]
