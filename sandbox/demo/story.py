"""The common part of both demos. Each step checks that what it says is true."""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from sandbox.aws import deploy
from sandbox.demo.timing import Arrival, Sync, sync_after
from sandbox.kube.command_lines import Files
from sandbox.kube.helm import HelmError
from sandbox.kube.kubectl import PROGRAM, Kubectl, KubectlError
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from contextlib import ExitStack

    from sandbox.aws.ministack import MiniStack
    from sandbox.demo.narrator import Narrator
    from sandbox.kube.control_plane import ControlPlane
    from sandbox.kube.helm import Helm
    from sandbox.processes.process import Process

ROOT = Path(__file__).parents[2]
NAMESPACE = "shop"
WHERE = ("shop", "production", "checkout")
KEY = "checkout.json"
INTERVAL = 15
"""Seconds: the `pollIntervalSeconds` of the source that the demo follows."""
SOON = "--timeout=120s"

VERSIONS = {"v1": '{"currency": "EUR", "giftCards": false}', "v2": '{"currency": "EUR", "giftCards": true}'}

DEPLOY_THIRD = f"""python -m sandbox.aws.deploy {" ".join(WHERE)} v3 '{{"currency": "USD"}}'"""
"""A command to try."""

PYTHON = Path(sys.executable)

_EVENT_TIMEOUT = 30.0


class StoryError(Exception):
    """A step did not do what the story says. The message says what was expected."""


def expect(holds: bool, expected: str, got: object) -> None:  # noqa: FBT001 (reads as a sentence)
    """Check a statement of the story.

    Parameters
    ----------
    holds
        Whether it is true.
    expected, got
        For the error message.

    Raises
    ------
    StoryError
        If it is not true.
    """
    if not holds:
        message = f"expected {expected}, but got: {got}"
        raise StoryError(message)


def relative(path: Path) -> str:
    """Return the path as a user would type it in the current directory."""
    return os.path.relpath(path) if path.is_relative_to(ROOT) else str(path)


def errors_in(log: str) -> list[str]:
    """Find the lines in the operator's log, as text, that report an error.

    Parameters
    ----------
    log
        The whole log.

    Returns
    -------
    list of str
        The lines.
    """
    return [line for line in log.splitlines() if " ERROR " in line or line.startswith("Traceback")]


def told_wait(arrival: Arrival) -> str:
    """Return how long the wait for a poll was."""
    return (
        f"  {arrival.waited:5.2f} s until the next poll had brought it: this source polls every {INTERVAL} s, so\n"
        f"          the wait may be anything up to that;"
    )


class Story(ABC):
    """A demo.

    Parameters
    ----------
    narrator
        Prints it.
    control_plane, ministack
        The servers.
    """

    title: ClassVar[str]
    """The first line."""
    source: ClassVar[str]
    """The AppConfigSource that the demo follows."""
    config_map: ClassVar[str]
    """Its ConfigMap."""

    def __init__(self, narrator: Narrator, control_plane: ControlPlane, ministack: MiniStack) -> None:
        self._narrator = narrator
        self._control_plane = control_plane
        self._ministack = ministack
        self._kubectl = Kubectl(control_plane.kubeconfig)
        self.processes: list[Process] = [*control_plane.processes, ministack.process]
        """What has to run during the demo, and to be gone afterwards."""
        self.folders: list[Path] = [control_plane.folder, ministack.folder]
        """What else has to be gone afterwards."""

    @staticmethod
    @abstractmethod
    def prepare() -> None:
        """Build or install what the demo needs."""

    @classmethod
    @abstractmethod
    def begin(cls, narrator: Narrator, stack: ExitStack) -> Self:
        """Start the servers, which end with the stack."""

    @abstractmethod
    def play(self, stack: ExitStack) -> None:
        """Return the story, up to where it can be kept running. What starts here ends with the stack."""

    @abstractmethod
    def end(self) -> None:
        """Return how it ends."""

    @abstractmethod
    def operator_log(self) -> str | None:
        """Return the operator's log, if there is an operator."""

    @property
    @abstractmethod
    def _ideas(self) -> list[tuple[str, str]]:
        """What to try while it is kept running: why, and the command."""

    @property
    def _programs(self) -> list[Path]:
        """Folders with the programs that the commands call."""
        return [PROGRAM.parent]

    def left(self) -> list[str]:
        """Say what is still running."""
        running = [process.name for process in self.processes if process.running]
        return running + [str(folder) for folder in self.folders if folder.exists()]

    def keep(self) -> None:
        """Say what to try."""
        narrator, kubeconfig = self._narrator, self._control_plane.kubeconfig
        environment = " ".join(f"{name}={value}" for name, value in self._ministack.environment().items())
        narrator.title("Everything stays up. In another terminal:")
        narrator.output(
            f"cd {ROOT}\n"
            "unset AWS_PROFILE\n"
            f"export PATH={':'.join(map(str, self._programs))}:$PATH\n"
            f"export KUBECONFIG={kubeconfig}\n"
            # The cache may be that of an earlier cluster at the same address.
            f"export KUBECACHEDIR={kubeconfig.with_name('kubectl-cache')}\n"
            f"export {environment}"
        )
        narrator.title("Then try, for example:")
        for reason, command in self._ideas:
            narrator.output(f"# {reason}\n{command}")
        narrator.title("Ctrl-C stops everything and removes all data.")

    def _deploy_first(self) -> None:
        self._narrator.step("Deploy version 1 in AppConfig")
        self._narrator.say("An application, an environment, a configuration profile, and a document in it.")
        self._deploy("v1")

    def _deploy_second(self) -> Arrival:
        """Deploy version 2, and wait until the operator has written it."""
        began = datetime.now(UTC)
        self._deploy("v2")
        deployed = datetime.now(UTC)
        version = "jsonpath={.status.source.versionLabel}=v2"
        self._run("wait", f"--for={version}", f"acs/{self.source}", "-n", NAMESPACE, SOON)
        self._expect_content("v2")
        return Arrival(deployed, self._sync_after(began))

    def _sync_after(self, moment: datetime) -> Sync:
        log = Files(self._control_plane.folder).audit_log
        found: list[Sync] = []

        def look() -> bool:
            sync = sync_after(log, moment, config_map=self.config_map, source=self.source)
            found.extend([sync] if sync else [])
            return bool(found)

        wait_until(look, _EVENT_TIMEOUT, "the write of version 2 in the audit log")
        return found[0]

    def _show_what_is_wrong(self) -> None:
        """Show the condition and the Event of the wrong source, and fix it."""
        self._narrator.say("The source called wrong has no ConfigMap. Its Ready condition names what is wrong:")
        ready = '{range .status.conditions[?(@.type=="Ready")]}{.reason}{": "}{.message}{end}'
        text = self._run("get", "acs", "wrong", "-n", NAMESPACE, "-o", f"jsonpath={ready}")
        for expected in ("NotFound: ", "environment productoin does not exist", "Check spec.environment"):
            expect(expected in text, f"the condition of wrong to say {expected!r}", text)
        self._narrator.say("So does an Event:")
        wait_until(self._wrong_has_event, _EVENT_TIMEOUT, "an Event NotFound about wrong")
        self._run("events", "--for=appconfigsource/wrong", "-n", NAMESPACE)
        self._narrator.say(
            "Now the environment is fixed. A changed spec is processed at once, without waiting for a poll."
        )
        fixed = json.dumps({"spec": {"environment": WHERE[1]}})
        self._run("patch", "acs", "wrong", "-n", NAMESPACE, "--type=merge", f"--patch={fixed}")
        self._run("wait", "--for=condition=Ready", "acs/wrong", "-n", NAMESPACE, SOON)
        self._run("get", "acs", "-n", NAMESPACE)

    def _wrong_has_event(self) -> bool:
        events = self._kubectl("get", "events.events.k8s.io", "-n", NAMESPACE, "-o", "json")
        return any(
            (event["regarding"]["name"], event["reason"]) == ("wrong", "NotFound")
            for event in json.loads(events)["items"]
        )

    def _show(self, path: Path) -> None:
        """Show a file."""
        self._narrator.command(["cat", relative(path)])
        self._narrator.output(path.read_text(encoding="utf-8"))

    def _run(self, *arguments: str) -> str:
        """Run kubectl, and show it."""
        return self._run_shown("kubectl", self._kubectl, *arguments)

    def _run_shown(self, name: str, program: Kubectl | Helm, *arguments: str) -> str:
        self._narrator.command([name, *arguments])
        try:
            text = program(*arguments)
        except (KubectlError, HelmError) as error:
            message = f"expected this to succeed: {error}"
            raise StoryError(message) from error
        self._narrator.output(text)
        return text

    def _deploy(self, label: str) -> None:
        arguments = [*WHERE, label, VERSIONS[label]]
        self._narrator.command([relative(PYTHON), "-m", "sandbox.aws.deploy", *arguments])
        done = deploy.main(arguments, self._ministack.environment(), say=self._narrator.output)
        expect(done == 0, f"version {label} to be deployed", f"exit code {done}")

    def _expect_content(self, label: str) -> None:
        config_map = self._kubectl("get", "configmap", self.config_map, "-n", NAMESPACE, "-o", "json")
        data = json.loads(config_map).get("data")
        expect(data == {KEY: VERSIONS[label]}, f"the ConfigMap to hold version {label}", data)
