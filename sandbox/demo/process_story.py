"""The demo without a node: the operator is a process on this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from sandbox.aws.ministack import MiniStack
from sandbox.demo.story import (
    DEPLOY_THIRD,
    KEY,
    NAMESPACE,
    SOON,
    Story,
    errors_in,
    expect,
    relative,
    told_wait,
)
from sandbox.kube.control_plane import ControlPlane
from sandbox.kube.operator_process import MANIFESTS, operator
from sandbox.toolchain.provision import ensure_programs

if TYPE_CHECKING:
    from contextlib import ExitStack

    from sandbox.demo.narrator import Narrator
    from sandbox.processes.process import Process


class ProcessStory(Story):
    """Control plane, AppConfig and operator as processes: nothing has to be installed, and root is not needed."""

    title = "appconfig-operator: versions of AWS AppConfig arrive in ConfigMaps. About half a minute."
    source = "checkout"
    config_map = "checkout-config"

    _operator: Process | None = None

    @staticmethod
    def prepare() -> None:
        """Build the control plane."""
        ensure_programs()

    @classmethod
    def begin(cls, narrator: Narrator, stack: ExitStack) -> Self:
        """Start the servers."""
        narrator.step("Start Kubernetes and AppConfig on this machine")
        narrator.say(
            "A real etcd, kube-apiserver and kube-controller-manager, and MiniStack in place of AWS. No cluster, "
            "no container and no account is needed or touched."
        )
        began = time.monotonic()
        control_plane = stack.enter_context(ControlPlane())
        ministack = stack.enter_context(MiniStack())
        narrator.output(f"Ready after {time.monotonic() - began:.1f} s.")
        return cls(narrator, control_plane, ministack)

    def play(self, stack: ExitStack) -> None:
        """Return the story."""
        self._install()
        self._deploy_first()
        self._start(stack)
        self._apply_samples()
        self._show_config_map()
        self._show_second()
        self._narrator.step("Find out what is wrong")
        self._show_what_is_wrong()

    def _install(self) -> None:
        self._narrator.step("Install the operator")
        self._narrator.say("The custom resource AppConfigSource, the operator's permissions, and its Deployment.")
        self._run("apply", "--server-side", "-k", relative(MANIFESTS / "base"))
        self._run("wait", "--for=condition=Established", "crd/appconfigsources.appconfig-operator.io", SOON)

    def _start(self, stack: ExitStack) -> None:
        self._narrator.step("Start the operator")
        self._narrator.say(
            "There is no Kubernetes node here, so the Pod of the Deployment stays pending. "
            "The operator runs as a process, with the token and the permissions of its ServiceAccount."
        )
        arguments = ("--log-format=text",)
        self._narrator.command(["appconfig-operator", "run", *arguments])
        control_plane = self._control_plane
        process = operator(control_plane, control_plane.folder, aws=self._ministack.environment(), arguments=arguments)
        began = time.monotonic()
        stack.enter_context(process)
        self._operator = process
        self.processes.append(process)
        self._narrator.output(f"Ready after {time.monotonic() - began:.1f} s.")

    def _apply_samples(self) -> None:
        self._narrator.step("Ask for ConfigMaps")
        self._narrator.say("An AppConfigSource names what to read from AppConfig, and the ConfigMap to write.")
        self._show(MANIFESTS / "samples" / "first-source.yaml")
        self._narrator.say("It comes with a minimal one, and with one that has a deliberate typo.")
        began = time.monotonic()
        self._run("apply", "-k", relative(MANIFESTS / "samples"))
        self._run("wait", "--for=condition=Ready", f"acs/{self.source}", "acs/minimal", "-n", NAMESPACE, SOON)
        self._run("wait", "--for=condition=Stalled", "acs/wrong", "-n", NAMESPACE, SOON)
        self._narrator.say(f"All three have been processed, {time.monotonic() - began:.1f} s after they were applied:")
        self._run("get", "acs", "-n", NAMESPACE)

    def _show_config_map(self) -> None:
        self._narrator.step("Look at the ConfigMap")
        self._narrator.say("The document is there byte for byte, and the annotations say where it came from.")
        self._run("get", "configmap", self.config_map, "-n", NAMESPACE, "-o", "yaml")
        self._expect_content("v1")

    def _show_second(self) -> None:
        self._narrator.step("Deploy version 2, and see it arrive")
        self._narrator.say("Nothing is applied in the cluster this time. The operator finds the new version by itself.")
        arrival = self._deploy_second()
        self._narrator.output(
            f"Version 2 arrived {arrival.waited + arrival.wrote_all:.2f} s after its deployment was complete:\n"
            f"{told_wait(arrival)}\n"
            f"  {arrival.wrote_all:5.2f} s to write the ConfigMap and the status."
        )
        self._run("get", "configmap", self.config_map, "-n", NAMESPACE, "-o", f"jsonpath={{.data.{_escaped(KEY)}}}")
        self._run("get", "acs", "-n", NAMESPACE)
        self._narrator.say("The source called minimal polls every 60 s, which is the default: it may still have v1.")

    def end(self) -> None:
        """Stop the operator."""
        process = self._running_operator
        self._narrator.step("Stop")
        self._narrator.say(
            "The operator gets SIGTERM. The servers stop next, and everything that they held is removed."
        )
        process.check()
        began = time.monotonic()
        process.stop()
        expect(process.exit_code == 0, "the operator to end with exit code 0", process.exit_code)
        errors = errors_in(process.log)
        expect(not errors, "no error in the operator's log", "\n".join(errors))
        self._narrator.output(f"The operator ended with exit code 0 after {time.monotonic() - began:.1f} s.")

    def operator_log(self) -> str | None:
        """Read the log."""
        return self._operator.log if self._operator else None

    @property
    def _running_operator(self) -> Process:
        if self._operator is None:
            message = "the operator was not started"
            raise RuntimeError(message)
        return self._operator

    @property
    def _ideas(self) -> list[tuple[str, str]]:
        suspend = """--type=merge --patch='{"spec": {"suspend": true}}'"""
        return [
            (
                "Deploy another version, and watch it arrive. Each version needs a label of its own.",
                f"{DEPLOY_THIRD}; kubectl get acs -n {NAMESPACE} --watch",
            ),
            ("Make a mistake, and see what Ready says.", f"kubectl edit acs {self.source} -n {NAMESPACE}"),
            (
                "See everything that is known about one source, with its Events.",
                f"kubectl describe acs {self.source} -n {NAMESPACE}",
            ),
            (
                "Suspend it: AppConfig is no longer polled.",
                f"kubectl patch acs {self.source} -n {NAMESPACE} {suspend}",
            ),
            (
                "Delete it. Kubernetes deletes its ConfigMap, half a minute later at most.",
                f"kubectl delete acs {self.source} -n {NAMESPACE}; kubectl get configmaps -n {NAMESPACE} --watch",
            ),
            ("Read the operator's log.", f"tail -f {self._running_operator.log_file}"),
        ]


def _escaped(key: str) -> str:
    return key.replace(".", r"\.")
