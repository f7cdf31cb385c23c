"""The workflows of GitHub: what they call is there, what they use is pinned, and they may do little."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox.toolchain.modules import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
RELEASE = GITHUB / "workflows" / "release.yaml"
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yaml"))

PINNED = re.compile(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def name(path: Path) -> str:
    return str(path.relative_to(GITHUB))


def parsed(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """Return the steps of a workflow or of an action of our own."""
    document = parsed(path)
    for job in document.get("jobs", {"": document.get("runs")}).values():
        yield from job.get("steps", ())


def targets(command: str) -> Iterator[str]:
    """Return the make targets that a command names."""
    for arguments in re.findall(r"\bmake ([^\n;&|]*)", command):
        yield from (word for word in arguments.split() if re.fullmatch(r"[a-z][a-z-]*", word))


def used(path: Path) -> list[str]:
    """Give what a file says behind ``uses:``, with the comment."""
    return re.findall(r"^\s*(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_targets_of_make_are_found_in_a_command() -> None:
    assert list(targets('make test-unit PYTHON="python$X"\nsudo env "A=$B" make verify docs && echo make')) == [
        "test-unit",
        "verify",
        "docs",
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_each_target_of_make_is_there(path: Path) -> None:
    makefile = set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = {target for step in steps(path) for target in targets(step.get("run", ""))}
    assert called, "it checks nothing"
    assert called - makefile == set()


@pytest.mark.parametrize("path", WORKFLOWS + ACTIONS, ids=name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    loose = [use for use in used(path) if not use.startswith("./") and not PINNED.fullmatch(use)]
    assert used(path)
    assert loose == []


def test_one_version_of_an_action_is_one_commit() -> None:
    pins = {use for path in WORKFLOWS + ACTIONS for use in used(path) if "@" in use}
    actions = [re.sub(r"^([^/]+/[^/@]+)[^@]*@", r"\1@", pin).partition("@") for pin in pins]
    commits = {(action, pin) for action, _, pin in actions}
    assert len(commits) == len({action for action, _ in commits})


@pytest.mark.parametrize("path", WORKFLOWS + ACTIONS, ids=name)
def test_what_is_of_our_own_is_there(path: Path) -> None:
    for use in used(path):
        if use.startswith("./"):
            there = ROOT / use
            assert there.is_file() or (there / "action.yaml").is_file(), use


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_a_workflow_may_only_read_and_a_job_says_what_more_it_needs(path: Path) -> None:
    document = parsed(path)
    assert document["permissions"] == {"contents": "read"}
    raised = {key for key, job in document["jobs"].items() if "permissions" in job}
    publishing = {"image", "chart", "sign", "publish", "site"} if path.name == "release.yaml" else set()
    assert raised == publishing


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_no_workflow_runs_foreign_code_with_rights_of_ours(path: Path) -> None:
    # PyYAML reads the key `on` as a boolean, as YAML 1.1 has it.
    triggers = set(parsed(path)[True])  # type: ignore[index]
    assert triggers <= {"push", "pull_request", "workflow_call"}


@pytest.mark.parametrize("path", WORKFLOWS + ACTIONS, ids=name)
def test_a_command_holds_no_expression(path: Path) -> None:
    """A title or a branch called `$(…)` would be run. Variables of the environment are not."""
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_a_checkout_leaves_no_credentials_behind(path: Path) -> None:
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_nothing_runs_for_ever_or_twice_at_once(path: Path) -> None:
    document = parsed(path)
    assert "concurrency" in document
    jobs = [job for job in document["jobs"].values() if "uses" not in job]
    assert all(5 <= job["timeout-minutes"] <= 60 for job in jobs)


def test_all_versions_of_python_that_the_package_names_are_tested() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert parsed(GITHUB / "workflows" / "test.yaml")["jobs"]["unit"]["strategy"]["matrix"]["python"] == named


def before(jobs: dict[str, Any], job: str) -> set[str]:
    """Return the jobs that have to succeed before a job begins."""
    needs = jobs[job].get("needs", [])
    named = {needs} if isinstance(needs, str) else set(needs)
    return named.union(*(before(jobs, one) for one in named))


def test_nothing_is_published_untested_and_the_release_comes_last() -> None:
    jobs = parsed(RELEASE)["jobs"]
    assert all({"check", "test"} <= before(jobs, job) for job in jobs if job not in {"check", "test"})
    assert before(jobs, "publish") == {"check", "test", "files", "image", "chart", "sign"}
    assert before(jobs, "site") == {*before(jobs, "publish"), "publish"}


def with_action(job: str, action: str) -> list[dict[str, Any]]:
    """Return the inputs of each step of a job of the release that uses an action."""
    found = parsed(RELEASE)["jobs"][job]["steps"]
    return [step["with"] for step in found if step.get("uses", "").startswith(f"{action}@")]


def test_the_image_tells_what_is_in_it_and_how_it_was_built() -> None:
    (build,) = with_action("image", "docker/build-push-action")
    assert build["sbom"] is True
    assert build["provenance"] == "mode=max"
    assert {"push=true", "rewrite-timestamp=true"} <= set(build["outputs"].split(","))


def test_what_is_pushed_is_signed_and_attested_by_its_digest() -> None:
    jobs = parsed(RELEASE)["jobs"]
    pushed = [job for job in jobs if jobs[job].get("permissions", {}).get("packages") == "write" and job != "sign"]
    digests = {f"${{{{ needs.{job}.outputs.digest }}}}" for job in pushed}
    assert pushed == ["image", "chart"]
    assert {subject["subject-digest"] for subject in with_action("sign", "actions/attest")} == digests
    signed = {step["run"].split()[-1].strip('"$') for step in jobs["sign"]["steps"] if "run" in step}
    assert {jobs["sign"]["env"][name].partition("@")[2] for name in signed} == digests
    # Run again, a push would move the tag.
    assert all(jobs[job]["steps"][-1].get("id") in jobs[job]["outputs"]["digest"] for job in pushed)


@pytest.mark.parametrize("job", ["image", "chart"])
def test_what_is_published_is_not_replaced(job: str) -> None:
    steps_of_it = parsed(RELEASE)["jobs"][job]["steps"]
    (asked,) = (step for step in steps_of_it if "imagetools inspect" in step.get("run", ""))
    assert asked["env"]["PUBLISHED"].endswith(":${{ needs.check.outputs.version }}")
    assert "exit 1" in asked["run"]


def test_dependabot_looks_after_each_program_but_those_of_kubernetes() -> None:
    """The release of Kubernetes stands in replace lines too, which Dependabot does not move."""
    (go,) = (update for update in parsed(GITHUB / "dependabot.yml")["updates"] if "allow" in update)
    modules = [module for module in MODULES if module.requires != "k8s.io/kubernetes"]
    assert {f"/{module.folder.relative_to(ROOT)}" for module in modules} == set(go["directories"])
    assert {module.requires for module in modules} == {update["dependency-name"] for update in go["allow"]}
