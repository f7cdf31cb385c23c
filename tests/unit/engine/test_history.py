from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import Reason, StallingError
from appconfig_operator.core.formats.render import LIMIT_BYTES, render
from appconfig_operator.core.target.drift import Drift, DriftKind
from tests.support.builders import content, spec, target
from tests.unit.support.engine_bench import AWAY, Bench, bench

if TYPE_CHECKING:
    from appconfig_operator.core.formats.content import Content

ONE, TWO, THREE = (content(str(number).encode(), label=f"v{number}") for number in (1, 2, 3))
DIGESTS = [render(version, spec()).data_digest for version in (ONE, TWO, THREE)]


def respec(it: Bench, **changes: Any) -> Bench:
    """Change the spec, as the scheduler takes it in: a new session, the status kept."""
    changed = replace(it.source, generation=it.source.generation + 1, spec=replace(it.source.spec, **changes))
    again = Bench(it.world, changed)
    again.state = again.sessions.restart(changed, it.state)
    it.world.now += 60
    return again


def kept(it: Bench) -> list[str]:
    return [entry.version_label for entry in it.state.status.stored.history]


def test_a_replaced_version_is_kept_newest_first() -> None:
    it = bench(ONE, TWO, THREE)
    for _ in range(3):
        it.poll()
    assert kept(it) == ["v2", "v1"]
    assert [entry.revision for entry in it.state.status.stored.history] == [2, 1]
    assert it.world.digests_kept == set(DIGESTS[:2])


def pinnable(it: Bench) -> list[str]:
    """Return the digests that the message of `Ready` shows, whole as `spec.pinnedDigest` takes them."""
    ready = it.state.status.stored.condition("Ready")
    assert ready is not None
    return re.findall(r"sha256:[0-9a-f]{64}(?![0-9a-f])", ready.message)


def test_messages_name_versions_without_a_label_by_the_digest_that_can_be_pinned() -> None:
    one, two = (replace(version, version_label="") for version in (ONE, TWO))
    it = bench(one, two, two, two)
    it.poll()
    assert pinnable(it) == [DIGESTS[0]]
    it.poll()
    assert pinnable(it) == [DIGESTS[1]]
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    assert it.ready == ("True", "Pinned")
    assert pinnable(it) == [DIGESTS[0], DIGESTS[1]]
    it = respec(it, pinned_digest=pinnable(it)[1])
    it.poll()
    assert it.ready == ("True", "Pinned")
    assert pinnable(it) == [DIGESTS[1]]
    assert it.world.config_map is not None
    assert it.world.config_map.data.data_digest == DIGESTS[1]


def test_the_target_has_the_label_of_the_version_that_is_held() -> None:
    def labels(it: Bench) -> tuple[str, str | None]:
        status = it.world.statuses[-1]
        assert status.source is not None
        assert status.target is not None
        return status.source.version_label, status.target.version_label

    it = bench(ONE, TWO, TWO)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    assert labels(it) == ("v2", "v1")
    again = it.restart()
    again.world.answers = [TWO, THREE, THREE]
    before = len(it.world.statuses)
    again.poll(after=500)
    assert len(it.world.statuses) == before, "a restart writes nothing"
    again.poll()
    assert labels(again) == ("v3", "v1")
    again = respec(again, pinned_digest=None)
    again.poll()
    assert labels(again) == ("v3", "v3")


def test_pinned_names_the_version_that_is_held_also_where_another_label_has_its_data() -> None:
    it = bench(ONE, TWO, replace(ONE, version_label="v1-again"), TWO)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    it.poll()
    ready = it.state.status.stored.condition("Ready")
    assert ready is not None
    assert "is held at version v1-again by" in ready.message


@pytest.mark.parametrize("delivered", [ONE, TWO], ids=["the same", "a newer one"])
def test_a_pin_on_a_status_without_the_label_of_the_target_writes_nothing_after_a_restart(delivered: Content) -> None:
    it = bench(ONE, TWO, delivered)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    status = it.world.statuses[-1]
    assert status.target is not None
    it.world.statuses.append(replace(status, target=replace(status.target, version_label=None)))
    before = len(it.world.statuses)
    again = it.restart()
    again.state.drift.untouched = True
    again.world.answers = [delivered, delivered]
    again.poll(after=500)
    assert len(it.world.statuses) == before
    assert again.ready == ("True", "Pinned")
    again.poll()
    assert len(it.world.statuses) == before


def test_a_version_without_a_label_that_cannot_be_rendered_waits_without_a_digest() -> None:
    it = bench(ONE, content(b"x" * (LIMIT_BYTES + 1), label=""))
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    ready = it.state.status.stored.condition("Ready")
    assert ready is not None
    assert "A version without a label is waiting. It could not be written: " in ready.message
    assert pinnable(it) == []


def test_beyond_the_limit_the_oldest_goes() -> None:
    it = bench(*(content(str(number).encode(), label=f"v{number}") for number in range(6)))
    for _ in range(6):
        it.poll()
    assert kept(it) == ["v4", "v3", "v2"]
    assert len(it.world.revisions) == 3


def test_a_limit_of_zero_keeps_nothing() -> None:
    it = respec(bench(ONE, TWO), history_limit=0)
    it.poll()
    it.poll()
    assert kept(it) == []
    assert it.world.revisions == {}


def test_a_lower_limit_drops_what_is_too_much() -> None:
    it = bench(ONE, TWO, THREE, THREE)
    for _ in range(3):
        it.poll()
    it = respec(it, history_limit=1)
    it.poll()
    assert kept(it) == ["v2"]


def test_a_version_that_comes_back_moves_up_in_the_history() -> None:
    it = bench(ONE, TWO, ONE, TWO)
    for _ in range(4):
        it.poll()
    assert kept(it) == ["v1", "v2"]
    assert [entry.revision for entry in it.state.status.stored.history] == [3, 2]


def test_nothing_is_kept_under_merge() -> None:
    it = respec(bench(ONE, TWO), target=target(creation_policy=CreationPolicy.MERGE))
    it.poll()
    it.world.config_maps["checkout-config"] = replace(
        it.world.config_maps["checkout-config"],
        annotations={"appconfig-operator.io/version-label": "", "appconfig-operator.io/content-type": ""},
    )
    it.poll()
    assert it.world.revisions == {}


def test_a_pin_brings_a_kept_version_back_and_polling_goes_on() -> None:
    it = bench(ONE, TWO, TWO, THREE)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    assert it.ready == ("True", "Pinned")
    assert it.world.config_map is not None
    assert it.world.config_map.data.data_digest == DIGESTS[0]
    assert it.world.config_map.annotations["appconfig-operator.io/version-label"] == "v1"
    message = it.state.status.stored.conditions[0].message
    assert message.startswith("ConfigMap checkout-config is held at version v1 by spec.pinnedDigest.")
    assert "v2 is waiting" in message
    writes = it.world.writes
    it.poll()
    assert it.world.writes == writes
    assert "v3 is waiting" in it.state.status.stored.conditions[0].message
    assert it.state.delivery.pending is None
    assert it.events[-1] == "Pinned"


def test_unpinning_brings_the_newest_version() -> None:
    it = bench(ONE, TWO, TWO, THREE)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    it = respec(it, pinned_digest=None)
    it.poll()
    assert it.ready == ("True", "Synced")
    assert it.world.config_map is not None
    assert it.world.config_map.data.data_digest == DIGESTS[2]


def test_the_current_version_can_be_pinned() -> None:
    it = bench(ONE, ONE, TWO)
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    assert it.ready == ("True", "Pinned")
    assert "serves no other" in it.state.status.stored.conditions[0].message
    it.poll()
    assert "v2 is waiting" in it.state.status.stored.conditions[0].message
    assert it.world.writes == 1


def test_the_current_version_can_be_pinned_while_a_newer_one_arrives() -> None:
    it = bench(ONE, TWO)
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    assert it.ready == ("True", "Pinned")
    assert it.world.writes == 1


def test_a_newer_version_that_could_not_be_written_is_told_while_pinned() -> None:
    it = bench(ONE, TWO, content(b"x" * (LIMIT_BYTES + 1), label="big"))
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    assert it.ready == ("True", "Pinned")
    assert "Version big is waiting. It could not be written: The configuration has 1,048,577 bytes" in (
        it.state.status.stored.conditions[0].message
    )


def test_a_pinned_version_is_not_dropped() -> None:
    it = bench(ONE, TWO, TWO, THREE)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0], history_limit=1)
    it.poll()
    assert DIGESTS[0] in it.world.digests_kept


def test_a_pin_on_a_version_that_is_not_kept_says_so_and_touches_nothing() -> None:
    it = bench(ONE, ONE)
    it.poll()
    it = respec(it, pinned_digest="sha256:" + "0" * 64)
    it.poll()
    assert it.ready == ("False", "PinnedVersionMissing")
    assert "status.history" in it.state.status.stored.conditions[0].message
    assert it.world.writes == 1


def test_a_pinned_version_is_put_right_without_the_content_of_appconfig() -> None:
    it = bench(ONE, TWO, TWO, TWO)
    it.poll()
    it.poll()
    it = respec(it, pinned_digest=DIGESTS[0])
    it.poll()
    del it.world.config_maps["checkout-config"]
    it.state.drift.found = Drift(DriftKind.DELETED)
    it.poll(after=1)
    assert it.world.config_map is not None
    assert it.world.config_map.data.data_digest == DIGESTS[0]
    assert it.events[-1] == "Drifted"


def test_another_target_takes_the_place_of_the_old_one_without_a_gap() -> None:
    it = bench(ONE, ONE)
    it.poll()
    it = respec(it, target=target(name="other"))
    it.world.answers = [ONE, TWO]
    it.poll()
    it.poll()
    assert list(it.world.config_maps) == ["other"]
    assert it.world.released == ["checkout-config"], "let go once: the name may be somebody else's later"
    assert it.state.status.stored.target is not None
    assert it.state.status.stored.target.name == "other"


@pytest.mark.parametrize("error", [AWAY, StallingError(Reason.TARGET_REJECTED, "no")], ids=["away", "refused"])
def test_an_old_target_that_could_not_be_deleted_is_tried_again(error: Any) -> None:
    it = bench(ONE, ONE)
    it.poll()
    it = respec(it, target=target(name="other"))
    it.world.release_errors = [error]
    it.poll()
    assert set(it.world.config_maps) == {"checkout-config", "other"}
    it.poll(after=300)
    assert list(it.world.config_maps) == ["other"]
    assert it.ready == ("True", "Synced")
