"""The demo's own parts: times, files, exit codes. `make demo` shows both stories."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import jsonschema
import pytest
import yaml

from sandbox.demo import __main__ as demo
from sandbox.demo.narrator import Narrator
from sandbox.demo.node_files import overlay, values
from sandbox.demo.story import INTERVAL, Story, StoryError, errors_in
from sandbox.demo.timing import Arrival, Sync, sync_after
from sandbox.kube.operator_process import USER
from sandbox.node import BUSYBOX_IMAGE, PackagesError

if TYPE_CHECKING:
    from contextlib import ExitStack

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "manifests" / "samples" / "consumers" / "file-mount.yaml"
AWS = {
    "AWS_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "123",
}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def line(seconds: float, name: str, *, user: str = USER, status: bool = False) -> str:
    """A request of the audit log, which takes a quarter of a second."""
    what = {"resource": "appconfigsources" if status else "configmaps", "name": name}
    entry = {
        "user": {"username": user},
        "requestReceivedTimestamp": at(seconds).isoformat(),
        "stageTimestamp": at(seconds + 0.25).isoformat(),
        "objectRef": what | ({"subresource": "status"} if status else {}),
    }
    return f"{json.dumps(entry)}\n"


NOISE = [
    line(-1, "config"),
    line(1, "config", user="admin"),
    line(1, "another"),
    line(1, "source", status=True),
]
READ, WRITE, STATUS = line(2, "config"), line(3, "config"), line(4, "source", status=True)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([*NOISE, READ, WRITE, STATUS], Sync(at(2), at(3.25), at(4.25))),
        ([*NOISE, WRITE, STATUS, line(9, "config"), line(9, "source", status=True)], Sync(at(3), at(3.25), at(4.25))),
        ([*NOISE, READ, WRITE], None),
        ([*NOISE, READ, WRITE, STATUS[:-9]], None),
        ([], None),
    ],
    ids=["read and written", "created, and once more", "status to come", "in the middle of a line", "empty"],
)
def test_when_the_operator_wrote(tmp_path: Path, lines: list[str], expected: Sync | None) -> None:
    log = tmp_path / "audit"
    log.write_text("".join(lines))
    assert sync_after(log, NOON, config_map="config", source="source") == expected


def test_parts_of_the_way() -> None:
    arrival = Arrival(deployed=at(0), sync=Sync(began=at(7), written=at(7.5), ended=at(8.5)))
    assert (arrival.waited, arrival.wrote_config_map, arrival.wrote_all) == (7, 0.5, 1.5)
    # The poll may bring it while we still hear that the deployment is complete.
    assert Arrival(deployed=at(8), sync=arrival.sync).waited == 0


def test_errors_of_a_log() -> None:
    log = "10:00:00 INFO    Started\n10:00:01 ERROR   Broken: a\nTraceback (most recent call last):\n  no ERRORs here\n"
    assert errors_in(log) == ["10:00:01 ERROR   Broken: a", "Traceback (most recent call last):"]


def over(written: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Put values over those of the chart, as Helm does."""
    both = {
        name: over(value, defaults[name]) if isinstance(value, dict) and isinstance(defaults.get(name), dict) else value
        for name, value in written.items()
    }
    return {**defaults, **both}


def test_values_are_what_the_chart_takes() -> None:
    chart = ROOT / "charts" / "appconfig-operator"
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    written = yaml.safe_load(values("localhost/some", AWS))
    jsonschema.validate(over(written, defaults), schema)
    assert written["image"]["repository"] == "localhost/some"
    assert written["aws"] == {"region": "eu-west-1", "endpointUrls": {"appconfigdata": "http://127.0.0.1:4566"}}
    assert written["extraEnv"] == [
        {"name": "AWS_ACCESS_KEY_ID", "value": "test"},
        {"name": "AWS_SECRET_ACCESS_KEY", "value": "123"},
    ]


def test_overlay_fits_the_sample() -> None:
    written = yaml.safe_load(overlay(SAMPLE, "checkout-file", BUSYBOX_IMAGE))
    source, deployment = yaml.safe_load_all(SAMPLE.read_text(encoding="utf-8"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (image,), (patch,) = written["images"], written["patches"]
    assert written["resources"] == ["file-mount.yaml"]
    assert container["image"].split(":")[0] == image["name"]
    assert f"{image['newName']}:{image['newTag']}" == BUSYBOX_IMAGE
    assert patch["target"] == {"kind": source["kind"], "name": source["metadata"]["name"]}
    assert yaml.safe_load(patch["patch"]) == [{"op": "add", "path": "/spec/pollIntervalSeconds", "value": INTERVAL}]


class Short(Story):
    """A story without servers."""

    title = "Once upon a time"
    source = config_map = "none"

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self.processes = []
        self.folders = []

    @staticmethod
    def prepare() -> None:
        pass

    @classmethod
    def begin(cls, narrator: Narrator, stack: ExitStack) -> Self:
        stack.callback(narrator.say, "(curtain)")
        return cls(narrator)

    def play(self, stack: ExitStack) -> None:
        stack.callback(self._narrator.say, "(lights)")

    def end(self) -> None:
        self._narrator.say("The end")

    def operator_log(self) -> str | None:
        return "first\nlast"

    @property
    def _ideas(self) -> list[tuple[str, str]]:
        return []


class Fails(Short):
    def end(self) -> None:
        raise StoryError("expected an end, but got: none")


class FailsEarly(Fails):
    def operator_log(self) -> str | None:
        return None


class Interrupted(Short):
    def end(self) -> None:
        raise KeyboardInterrupt


class Leaves(Short):
    def left(self) -> list[str]:
        return ["kubelet"]


class Impossible(Short):
    @staticmethod
    def prepare() -> None:
        raise PackagesError("a node needs root.")


@pytest.mark.parametrize(
    ("kind", "code", "last", "error"),
    [
        (Short, 0, r"Done in 0 s. Nothing is left running.", ""),
        (
            Fails,
            1,
            "The demo failed.",
            "\ndemo: expected an end, but got: none\nThe end of the operator's log:\n    first\n    last\n",
        ),
        (FailsEarly, 1, "The demo failed.", "\ndemo: expected an end, but got: none\n"),
        (Interrupted, 130, "Interrupted. Nothing is left running.", ""),
        (Leaves, 1, "The demo failed.", "\ndemo: expected nothing to be left, but got: kubelet\n"),
        (Impossible, 1, "", "demo: a node needs root.\n"),
    ],
    ids=["complete", "fails", "fails without an operator", "interrupted", "leaves something", "impossible here"],
)
def test_how_it_ends(kind: type[Story], code: int, last: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    reported = StringIO()
    assert demo._run(kind, Narrator(reported), keep=False) == (code, last)
    assert capsys.readouterr().err == error
    assert reported.getvalue().endswith("   (lights)\n   (curtain)\n") or kind is Impossible


def test_left_is_what_is_still_there(tmp_path: Path) -> None:
    story = Short(Narrator(StringIO()))
    story.folders = [tmp_path, tmp_path / "gone"]
    assert story.left() == [str(tmp_path)]
