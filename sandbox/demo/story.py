"""What happens in the demo. Each step checks that it did what is told."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import deploy
from sandbox.commands import Files
from sandbox.demo.timing import sync_after
from sandbox.kubectl import Kubectl, KubectlError
from sandbox.operator_process import MANIFESTS, operator
from sandbox.waiting import wait_until

if TYPE_CHECKING:
    from sandbox.control_plane import ControlPlane
    from sandbox.demo.narrator import Narrator
    from sandbox.demo.timing import Sync
    from sandbox.ministack import MiniStack
    from sandbox.process import Process

NAMESPACE = "shop"
WHERE = ("shop", "production", "checkout")
SOURCE = "checkout"
CONFIG_MAP = "checkout-config"
KEY = "checkout.json"

_VERSIONS = {"v1": '{"currency": "EUR", "giftCards": false}', "v2": '{"currency": "EUR", "giftCards": true}'}
_INTERVAL = 15
"""`pollIntervalSeconds` of the sample."""

_SOON = "--timeout=30s"
_LOG_TIMEOUT = 10.0


class StoryError(Exception):
    """A step did not do what the story says. The text says what was expected."""


class Story:
    """The demo, step by step.

    Parameters
    ----------
    narrator
        Who tells it.
    control_plane, ministack
        The servers.
    """

    def __init__(self, narrator: Narrator, control_plane: ControlPlane, ministack: MiniStack) -> None:
        self._narrator = narrator
        self._control_plane = control_plane
        self._ministack = ministack
        self._kubectl = Kubectl(control_plane.kubeconfig)

    def install(self) -> None:
        """Apply the manifests."""
        self._narrator.step("Install the operator")
        self._narrator.say("The custom resource AppConfigSource, the rights of the operator, and its Deployment.")
        self._run("apply", "--server-side", "-k", _relative(MANIFESTS / "base"))
        self._run("wait", "--for=condition=Established", "crd/appconfigsources.appconfig-operator.io", _SOON)

    def deploy_first(self) -> None:
        """Deploy version 1."""
        self._narrator.step("Deploy version 1 in AppConfig")
        self._narrator.say("An application, an environment, a configuration profile, and a document in it.")
        self._deploy("v1")

    def start(self) -> Process:
        """Start the operator."""
        self._narrator.step("Start the operator")
        self._narrator.say(
            "This machine is no Kubernetes node, so the Pod of the Deployment stays pending. "
            "The operator runs as a process, with the token and the rights of its ServiceAccount."
        )
        arguments = ("--log-format=text",)
        self._narrator.command(["appconfig-operator", "run", *arguments])
        process = operator(
            self._control_plane, self._control_plane.folder, aws=self._ministack.environment(), arguments=arguments
        )
        began = time.monotonic()
        process.start()
        self._narrator.output(f"Ready after {time.monotonic() - began:.1f} s.")
        return process

    def apply_samples(self) -> None:
        """Apply the samples and see the first version arrive."""
        self._narrator.step("Ask for ConfigMaps")
        self._narrator.say("One AppConfigSource names what to read from AppConfig, and the ConfigMap to write.")
        sample = MANIFESTS / "samples" / "first-source.yaml"
        self._narrator.command(["cat", _relative(sample)])
        self._narrator.output(sample.read_text(encoding="utf-8"))
        self._narrator.say("It comes with a minimal one, and with one that has a typing error on purpose.")
        began = time.monotonic()
        self._run("apply", "-k", _relative(MANIFESTS / "samples"))
        self._run("wait", "--for=condition=Ready", f"acs/{SOURCE}", "acs/minimal", "-n", NAMESPACE, _SOON)
        self._run("wait", "--for=condition=Stalled", "acs/wrong", "-n", NAMESPACE, _SOON)
        self._narrator.say(f"All three are dealt with, {time.monotonic() - began:.1f} s after they were applied:")
        self._run("get", "acs", "-n", NAMESPACE)

    def show_config_map(self) -> None:
        """Show the ConfigMap."""
        self._narrator.step("Look at the ConfigMap")
        self._narrator.say("The document is there byte for byte, and the annotations say where it came from.")
        self._run("get", "configmap", CONFIG_MAP, "-n", NAMESPACE, "-o", "yaml")
        self._expect_content("v1")

    def deploy_second(self) -> None:
        """Deploy version 2, and tell how long it took."""
        self._narrator.step("Deploy version 2, and see it arrive")
        self._narrator.say("Nothing is applied in the cluster now. The operator finds the new version by itself.")
        began = datetime.now(UTC)
        self._deploy("v2")
        deployed = datetime.now(UTC)
        version = "jsonpath={.status.source.versionLabel}=v2"
        self._run("wait", f"--for={version}", f"acs/{SOURCE}", "-n", NAMESPACE, _SOON)
        self._expect_content("v2")
        sync = self._second_sync(began)
        waited = max(0.0, (sync.began - deployed).total_seconds())
        wrote = (sync.ended - sync.began).total_seconds()
        self._narrator.output(
            f"Version 2 arrived {waited + wrote:.2f} s after its deployment was complete:\n"
            f"  {waited:5.2f} s until the next poll had brought it: this source polls every {_INTERVAL} s, so the\n"
            f"          wait may be anything up to that;\n"
            f"  {wrote:5.2f} s to write the ConfigMap and the status."
        )
        self._run("get", "configmap", CONFIG_MAP, "-n", NAMESPACE, "-o", f"jsonpath={{.data.{_escaped(KEY)}}}")
        self._run("get", "acs", "-n", NAMESPACE)
        self._narrator.say("The source called minimal polls every 60 s, which is the default: it may still have v1.")

    def _second_sync(self, began: datetime) -> Sync:
        found: list[Sync] = []

        def look() -> bool:
            sync = sync_after(Files(self._control_plane.folder).audit_log, began, config_map=CONFIG_MAP, source=SOURCE)
            found.extend([sync] if sync else [])
            return bool(found)

        wait_until(look, _LOG_TIMEOUT, "the write of version 2 in the audit log")
        return found[0]

    def show_what_is_wrong(self) -> None:
        """Show the condition and the Event of the wrong source."""
        self._narrator.step("Find out what is wrong")
        self._narrator.say("The source called wrong has no ConfigMap. Its Ready condition names what is wrong:")
        ready = '{range .status.conditions[?(@.type=="Ready")]}{.reason}{": "}{.message}{end}'
        text = self._run("get", "acs", "wrong", "-n", NAMESPACE, "-o", f"jsonpath={ready}")
        for expected in ("NotFound: ", "environment productoin does not exist", "Check spec.environment"):
            _expect(expected in text, f"the condition of wrong to say {expected!r}", text)
        self._narrator.say("So does an Event:")
        wait_until(self._wrong_has_event, _LOG_TIMEOUT, "an Event NotFound about wrong")
        self._run("events", "--for=appconfigsource/wrong", "-n", NAMESPACE)
        self._narrator.say("The environment is mended. A changed spec is looked at at once, with no wait for a poll.")
        mended = json.dumps({"spec": {"environment": WHERE[1]}})
        self._run("patch", "acs", "wrong", "-n", NAMESPACE, "--type=merge", f"--patch={mended}")
        self._run("wait", "--for=condition=Ready", "acs/wrong", "-n", NAMESPACE, _SOON)
        self._run("get", "acs", "-n", NAMESPACE)

    def _wrong_has_event(self) -> bool:
        events = self._kubectl("get", "events.events.k8s.io", "-n", NAMESPACE, "-o", "json")
        return any(
            (event["regarding"]["name"], event["reason"]) == ("wrong", "NotFound")
            for event in json.loads(events)["items"]
        )

    def stop(self, process: Process) -> None:
        """Stop the operator."""
        self._narrator.step("Stop")
        self._narrator.say("The operator gets SIGTERM. The servers follow, and all that they held goes with them.")
        process.check()
        began = time.monotonic()
        process.stop()
        _expect(process.exit_code == 0, "the operator to end with exit code 0", process.exit_code)
        errors = [line for line in process.log.splitlines() if " ERROR " in line or line.startswith("Traceback")]
        _expect(not errors, "no error in the operator's log", "\n".join(errors))
        self._narrator.output(f"The operator ended with exit code 0 after {time.monotonic() - began:.1f} s.")

    def keep(self, process: Process) -> None:
        """Say what to try."""
        narrator = self._narrator
        programs = Path(sys.executable).parent
        environment = " ".join(f"{name}={value}" for name, value in self._ministack.environment().items())
        narrator.title("All of it stays up. In another terminal:")
        narrator.output(
            f"cd {MANIFESTS.parent}\n"
            "unset AWS_PROFILE\n"
            f"export PATH={programs}:$PATH\n"
            f"export KUBECONFIG={self._control_plane.kubeconfig}\n"
            f"export {environment}"
        )
        narrator.title("Then try, for instance:")
        for reason, command in _ideas(process):
            narrator.output(f"# {reason}\n{command}")
        narrator.title("Ctrl-C stops it and removes all that it holds.")

    def _run(self, *arguments: str) -> str:
        self._narrator.command(["kubectl", *arguments])
        try:
            text = self._kubectl(*arguments)
        except KubectlError as error:
            message = f"expected this to succeed: {error}"
            raise StoryError(message) from error
        self._narrator.output(text)
        return text

    def _deploy(self, label: str) -> None:
        arguments = [*WHERE, label, _VERSIONS[label]]
        self._narrator.command([_relative(Path(sys.executable)), "-m", "sandbox.deploy", *arguments])
        done = deploy.main(arguments, self._ministack.environment(), say=self._narrator.output)
        _expect(done == 0, f"version {label} to be deployed", f"exit code {done}")

    def _expect_content(self, label: str) -> None:
        config_map = self._kubectl("get", "configmap", CONFIG_MAP, "-n", NAMESPACE, "-o", "json")
        data = json.loads(config_map).get("data")
        _expect(data == {KEY: _VERSIONS[label]}, f"the ConfigMap to hold version {label}", data)


def _expect(holds: bool, expected: str, got: object) -> None:  # noqa: FBT001 (reads as a sentence)
    if not holds:
        message = f"expected {expected}, but got: {got}"
        raise StoryError(message)


def _ideas(operator_process: Process) -> list[tuple[str, str]]:
    """Say what to try, and why."""
    deploy_third = f'python -m sandbox.deploy {" ".join(WHERE)} v3 \'{{"currency": "USD"}}\''
    suspend = """--type=merge --patch='{"spec": {"suspend": true}}'"""
    return [
        (
            "Deploy another version, and watch it arrive. Each version needs a label of its own.",
            f"{deploy_third}; kubectl get acs -n {NAMESPACE} --watch",
        ),
        ("Make a mistake, and see what Ready says.", f"kubectl edit acs {SOURCE} -n {NAMESPACE}"),
        ("See all that is known of one source, with its Events.", f"kubectl describe acs {SOURCE} -n {NAMESPACE}"),
        ("Suspend it: AppConfig is not polled any more.", f"kubectl patch acs {SOURCE} -n {NAMESPACE} {suspend}"),
        (
            "Delete it. Kubernetes deletes its ConfigMap, half a minute later at most.",
            f"kubectl delete acs {SOURCE} -n {NAMESPACE}; kubectl get configmaps -n {NAMESPACE} --watch",
        ),
        ("Read the operator's log.", f"tail -f {operator_process.log_file}"),
    ]


def _relative(path: Path) -> str:
    return os.path.relpath(path)


def _escaped(key: str) -> str:
    return key.replace(".", r"\.")
