"""Experiments that start and end: what is written, counted and reported of multi-variant flags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appconfig_operator.api.v1alpha1 import FeatureFlags, Format, MultiVariant
from tests.support.builders import content, source, spec, target
from tests.unit.support.engine_bench import AWAY, Bench
from tests.unit.support.engine_fakes import World
from tests.unit.support.ion import FIRST, ION, annotated, binary, string

BASIC = b'{"banner":{"enabled":true},"checkout":{"enabled":false}}'
ONE = b'{"banner":{"enabled":true},"checkout":{"_variant":"__default__","enabled":false}}'
OTHER = b'{"banner":{"_variant":"__default__","enabled":true},"checkout":{"enabled":false}}'
SECRET = b'{"banner":{"enabled":true},"checkout":{"_variant":"__default__","enabled":true}}'


def wanted(multi_variant: MultiVariant = MultiVariant.DEFAULT_VARIANT, **changes: Any) -> Any:
    pinned = changes.pop("pinned_digest", None)
    return spec(
        target=target(**({"key": "flags"} | changes)), feature_flags=FeatureFlags(multi_variant), pinned_digest=pinned
    )


def bench(*bodies: bytes | Exception | None, multi_variant: MultiVariant = MultiVariant.DEFAULT_VARIANT) -> Bench:
    answers = [content(body) if isinstance(body, bytes) else body for body in bodies]
    return Bench(World(answers=answers), source(spec=wanted(multi_variant)))


def counted(it: Bench) -> list[int]:
    return [status.source.multi_variant_flags for status in it.world.statuses if status.source is not None]


@pytest.mark.proves("status.source.multiVariantFlags")
def test_an_experiment_writes_no_config_map_and_is_told() -> None:
    it = bench(BASIC, ONE, OTHER, BASIC)
    for _ in range(4):
        it.poll()
    assert it.world.writes == 1
    assert it.world.meter.writes == 1
    assert not it.world.revisions
    assert counted(it) == [0, 1, 1, 0]
    assert it.events == ["Synced", "MultiVariantFlags", "MultiVariantFlags", "MultiVariantFlags"]
    assert [note.rpartition(": ")[2] for note in it.world.notes[1:]] == [
        '"checkout".',
        '"banner".',
        "No feature flag is multi-variant anymore.",
    ]
    assert {kind for _, kind, _ in it.world.events} == {"Normal"}


def test_unchanged_polls_and_restarts_write_and_tell_nothing() -> None:
    it = bench(ONE, None, None, ONE, None)
    for _ in range(3):
        it.poll()
    again = it.restart()
    again.world.now += 500
    again.poll()
    again.poll()
    assert (it.world.writes, len(it.world.statuses)) == (1, 1)
    assert it.events == ["Synced", "MultiVariantFlags"]


def test_a_new_version_with_the_same_flags_tells_nothing_new() -> None:
    it = bench(ONE, SECRET)
    it.poll()
    it.poll()
    assert it.events == ["Synced", "MultiVariantFlags", "Synced"]


def test_what_a_session_taken_over_brings_is_compared_with_the_status() -> None:
    it = bench(ONE, None, BASIC)
    it.poll()
    handed = it.sessions.export(it.source, it.state, it.state.fetch.next_call_at)
    later = it.restart()
    later.state = later.sessions.start(later.source, handed).poll_state
    later.poll()
    later.poll()
    assert it.world.sessions == 2  # the bench's own at each start
    assert counted(it) == [1, 0]
    assert it.world.notes[-1] == "No feature flag is multi-variant anymore."


def test_an_operator_that_did_not_count_yet_is_followed_by_one_that_does() -> None:
    it = bench(ONE, ONE)
    it.poll()
    status = it.world.statuses[-1]
    assert status.source is not None
    it.world.statuses.append(replace(status, source=replace(status.source, multi_variant_flags=0)))
    again = it.restart()
    again.poll()
    assert counted(it)[-1] == 1
    assert it.world.statuses[-1].source == status.source
    assert it.world.writes == 1


def test_a_newer_status_does_not_take_the_number_back() -> None:
    it = bench(ONE, ONE)
    it.poll()
    status = it.world.statuses[-1]
    assert status.source is not None
    before = replace(status, source=replace(status.source, multi_variant_flags=0))
    it.world.statuses.append(before)
    again = it.restart()
    it.world.newest = replace(before, last_handled_reconcile_at="just now")
    again.poll()
    assert counted(it)[-1] == 1


def changed(it: Bench, **changes: Any) -> None:
    """Change the spec, and poll in the new session."""
    it.source = replace(it.source, generation=it.source.generation + 1, spec=replace(it.source.spec, **changes))
    it.state = it.sessions.restart(it.source, it.state)
    it.poll()


def test_a_new_session_knows_the_flags_of_the_one_before() -> None:
    it = bench(ONE, ONE, OTHER)
    it.poll()
    changed(it, poll_interval_seconds=90)
    assert it.events == ["Synced", "MultiVariantFlags"]
    changed(it, poll_interval_seconds=120)
    assert it.events == ["Synced", "MultiVariantFlags", "MultiVariantFlags"]
    assert it.world.notes[-1].endswith(': "banner".')


def test_another_replica_knows_only_how_many_there_were() -> None:
    """The limit that docs/resource.md states: the names are not handed over."""
    it = bench(ONE, None, OTHER, BASIC)
    it.poll()
    handed = it.sessions.export(it.source, it.state, it.state.fetch.next_call_at)
    later = it.restart()
    later.state = later.sessions.start(later.source, handed).poll_state
    later.poll()
    later.poll()
    assert it.events == ["Synced", "MultiVariantFlags"]
    later.poll()
    assert it.world.notes[-1] == "No feature flag is multi-variant anymore."


@pytest.mark.parametrize("multi_variant", [MultiVariant.REFUSE, MultiVariant.RAW])
@pytest.mark.parametrize("polled", [True, False])
def test_what_no_event_named_is_named_after_a_restart(multi_variant: MultiVariant, *, polled: bool) -> None:
    """Also where the setting changes while no operator runs."""
    it = bench(BASIC, *[ONE] * 4, multi_variant=multi_variant)
    it.poll()
    it.poll()
    later = it.restart()
    if polled:
        later.poll()
    assert "MultiVariantFlags" not in it.events
    changed(later, feature_flags=FeatureFlags())
    assert it.events[-1] == "MultiVariantFlags"
    changed(later, poll_interval_seconds=90)
    assert it.events.count("MultiVariantFlags") == 1


def test_what_came_under_a_pin_is_named_after_a_restart() -> None:
    it = bench(BASIC, *[ONE] * 4)
    it.poll()
    assert it.state.status.stored.target is not None
    changed(it, pinned_digest=it.state.status.stored.target.data_digest)
    later = it.restart()
    later.poll()
    assert "MultiVariantFlags" not in it.events
    changed(later, pinned_digest=None)
    assert it.events[-1] == "MultiVariantFlags"


def test_flags_without_a_name_are_not_named_at_each_change_of_the_spec() -> None:
    flags = annotated(27, string('{"enabled":true}')) + annotated(FIRST, string('{"enabled":true}'))
    body = content(binary(["plain"], flags), content_type=ION)
    it = Bench(World(answers=[body] * 3), source(spec=wanted(format=Format.ENTRIES, key=None)))
    it.poll()
    changed(it, poll_interval_seconds=90)
    changed(it, poll_interval_seconds=120)
    assert it.events.count("FlagsLeftOut") == 1


@pytest.mark.parametrize("multi_variant", [MultiVariant.REFUSE, MultiVariant.RAW])
def test_otherwise_they_are_counted_and_no_event_tells(multi_variant: MultiVariant) -> None:
    it = bench(BASIC, ONE, ONE, multi_variant=multi_variant)
    it.poll()
    it.poll()
    assert counted(it) == [0, 1]
    assert "MultiVariantFlags" not in it.events
    before = it.world.config_map
    assert before is not None
    if multi_variant is MultiVariant.REFUSE:
        assert it.ready == ("False", "UnsupportedContent")
        assert list(before.data.text.values()) == [BASIC.decode()]
    it.source = replace(it.source, generation=2, spec=wanted())
    it.state = it.sessions.restart(it.source, it.state)
    it.poll()
    assert it.events[-1] == "MultiVariantFlags"
    assert it.ready == ("True", "Synced")


def test_a_change_of_the_setting_begins_a_new_session() -> None:
    it = bench(ONE)
    it.poll()
    handed = it.sessions.export(it.source, it.state, it.state.fetch.next_call_at)
    assert handed is not None
    raw = replace(it.source, generation=2, spec=wanted(MultiVariant.RAW), status=it.state.status.stored)
    sessions = it.world.sessions
    it.sessions.restart(raw, it.state)
    it.sessions.start(raw, handed)  # by another replica, to which the old session was handed over
    assert it.world.sessions == sessions + 2


def test_the_event_waits_until_the_status_is_written_and_the_config_map_too() -> None:
    it = bench(BASIC, SECRET)
    it.poll()
    it.world.write_errors.append(AWAY)
    it.poll()
    assert it.events == ["Synced"]
    it.world.status_errors.append(AWAY)
    it.poll(after=60)
    assert it.events == ["Synced"]
    it.poll(after=60)
    assert it.events == ["Synced", "Synced", "MultiVariantFlags"]


def test_under_a_pin_nothing_is_told_until_it_is_gone() -> None:
    it = bench(BASIC, SECRET, SECRET)
    it.poll()
    written = it.state.status.stored.target
    assert written is not None
    it.source = replace(it.source, generation=2, spec=wanted(pinned_digest=written.data_digest))
    it.state = it.sessions.restart(it.source, it.state)
    it.poll()
    assert "MultiVariantFlags" not in it.events
    it.source = replace(it.source, generation=3, spec=wanted())
    it.state = it.sessions.restart(it.source, it.state)
    it.poll()
    assert it.events[-1] == "MultiVariantFlags"


@pytest.mark.parametrize("multi_variant", [MultiVariant.DEFAULT_VARIANT, MultiVariant.REFUSE])
def test_flags_without_a_name_are_told_once_and_the_others_written(multi_variant: MultiVariant) -> None:
    flags = annotated(27, string('{"enabled":true}')) + annotated(FIRST, string('{"enabled":true}'))
    body = content(binary(["plain"], flags), content_type=ION)
    it = Bench(World(answers=[body, None, body]), source(spec=wanted(multi_variant, format=Format.ENTRIES, key=None)))
    it.poll()
    it.poll()
    it.restart().poll()
    assert it.world.config_map is not None
    assert it.world.config_map.data.text == {"plain.enabled": "true"}
    assert it.world.events[1:] == [("checkout", "Warning", "FlagsLeftOut")]
    assert "Left out: flag with symbol id 27. " in it.world.notes[1]
    assert (it.world.writes, len(it.world.statuses)) == (1, 1)


def test_raw_leaves_no_flag_out_and_tells_of_none() -> None:
    body = content(binary([], annotated(27, string('{"enabled":true}'))), content_type=ION)
    it = Bench(World(answers=[body]), source(spec=wanted(MultiVariant.RAW, format=Format.RAW)))
    it.poll()
    assert it.events == ["Synced"]
