"""Stories about several replicas. They mostly wait, so threads run them while the other tests run."""

from __future__ import annotations

import itertools
import signal
import time
from typing import TYPE_CHECKING

from sandbox import wait_until
from sandbox.aws.data_plane import Fault, Operation
from sandbox.processes.relay import Relay
from tests.e2e.support.scene import TIMEOUT, wait_for_silence
from tests.e2e.support.stage import HARMLESS, LEASE_SECONDS, SPREAD_SECONDS, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.e2e.support.stage import Replica

AT_ONCE_SECONDS = 10.0
"""For a replica to end, and for another to have taken its shards: five times what it takes on an idle machine. That no
Lease was left to expire, `check_given` shows."""


def named(count: int) -> list[str]:
    return [f"source-{number:02}" for number in range(count)]


def version(number: int) -> str:
    return f'{{"version": "can4rybird {number}"}}'


def sync(stage: Stage, names: list[str]) -> None:
    """Deploy to each of the names, and wait until their sources are synced and polled."""
    stage.deploy(names, version(1))
    stage.apply(names)
    stage.scene.wait_for_all(names, "Synced")
    stage.wait_for_polls(names, since=time.monotonic())


def of(stage: Stage, replica: Replica, names: Iterable[str]) -> list[str]:
    """Return the sources that a replica polled last."""
    return [name for name in names if stage.polls(name)[-1].caller == replica.name]


def versions_of(stage: Stage, names: Iterable[str], since: str) -> dict[str, list[str]]:
    """Give what the ConfigMaps have held since a resourceVersion, one after the other."""
    states = stage.scene.config_map_writes(since)
    return {
        name: [
            content
            for content, _ in itertools.groupby(
                state["data"]["config.json"] for state in states if state["metadata"]["name"] == name
            )
        ]
        for name in names
    }


def lose_replicas(stage: Stage) -> None:
    """One of three replicas is killed, then another stopped: the others take over, what they have to and no more."""
    names = named(30)
    killed, stopped, last = three = [stage.start(name, shards=6) for name in ("killed", "stopped", "last")]
    sync(stage, names)
    stage.wait_for_shares(three, [2, 2, 2])
    stage.wait_for_polls(names, since=time.monotonic())

    its = of(stage, killed, names)
    assert 0 < len(its) < len(names)
    killed.process.kill()
    since = time.monotonic()
    stage.wait_for_shares([stopped, last], [3, 3])
    # Their sessions are lost, and so their turns: new ones are spread over the interval.
    stage.wait_for_polls(its, since=since, timeout=SPREAD_SECONDS + 5)
    assert sorted(place.profile for place in stage.starts(since=since)) == its
    assert stage.calls(since=since + 1, by=killed) == []

    its, shards = of(stage, stopped, names), stopped.shards
    assert 0 < len(its) < len(names)
    since, clock = time.monotonic(), time.time()
    stopped.process.send(signal.SIGTERM)
    assert stage.wait_for_shares([last], [6]) - since < AT_ONCE_SECONDS
    check_given(stage, stopped, last, shards)
    stage.wait_for_polls(its, since=since, by=last, polls=2)
    stage.check_sessions_went_on(names, since=since)
    assert stage.writes(stopped, last, since=clock) == []
    for name in its:
        before, after = stage.polls(name, by=stopped)[-1], stage.polls(name, by=last)[0]
        assert after.time - before.time < stage.poll_interval + AT_ONCE_SECONDS, name
    stage.check_one_poller(names)


def roll_out(stage: Stage) -> None:
    """A new replica starts, the old one stops: nothing is received or written. And not after a kill, either."""
    scene, names = stage.scene, named(50)
    first = stage.start("first")
    sync(stage, names)
    before = scene.sources(), scene.config_maps()

    second = stage.start("second")
    wait_until(second.ready, TIMEOUT, "readiness of the second replica")
    since, clock = time.monotonic(), time.time()
    first.process.send(signal.SIGTERM)
    assert stage.wait_for_shares([second], [1]) - since < AT_ONCE_SECONDS
    check_given(stage, first, second, [0])  # when it came, or now: whose it is to be, chance decides
    stage.wait_for_polls(names, since=since, by=second, polls=2)
    stage.check_sessions_went_on(names, since=since)
    assert stage.writes(first, since=clock) == []
    assert stage.asked_for(second) <= HARMLESS
    assert ("delete", "secrets") in {(request.verb, request.resource) for request in stage.requests(second)}

    second.process.kill()
    since = time.monotonic()
    third = stage.start("third")
    stage.wait_for_shares([third], [1])
    stage.wait_for_polls(names, since=since, by=third, polls=2, timeout=SPREAD_SECONDS + 5)
    assert stage.asked_for(third) <= HARMLESS
    check_spread([stage.polls(name, by=third)[0].time for name in names])
    assert (scene.sources(), scene.config_maps()) == before
    assert scene.api.json("GET", f"/api/v1/namespaces/{scene.namespace}/secrets")["items"] == []
    stage.check_one_poller(names)


def check_given(stage: Stage, going: Replica, taking: Replica, shards: Iterable[int]) -> None:
    """Check that a replica has ended as it should, and set shards free that the other one then took."""
    assert going.process.wait(TIMEOUT) == 0
    assert going.shards == set()
    assert going.process.log.rstrip().endswith("Stopped"), going.process.log  # and not: with something undone
    for shard in shards:
        freed = max(stage.renewals(going, shard))
        taken = min(at for at in stage.renewals(taking, shard) if at > freed)
        assert taken - freed < LEASE_SECONDS, shard


def check_spread(times: list[float]) -> None:
    """Check that moments are spread over the interval: by chance, this fails once in more than a million times."""
    times = sorted(times)
    assert times[-1] - times[0] > SPREAD_SECONDS / 2
    assert all(after - before > 1 for before, after in zip(times, times[len(times) // 2 :], strict=False))


def deploy_gradually(stage: Stage) -> None:
    """A rolling update in the middle of a gradual deployment: no ConfigMap goes back."""
    scene, names = stage.scene, named(24)
    old, new = version(1), version(2)
    scene.deploy(old.encode(), profile="shared")
    first = stage.start("first")
    for name in names:
        scene.apply(name, configurationProfile="shared", pollIntervalSeconds=SPREAD_SECONDS)
    scene.wait_for_all(names, "Synced")
    began, since = scene.resource_version(), time.monotonic()
    # Half of the sessions get it after 30 s, the others after 60 s.
    stage.scene.appconfig.deploy_gradually(scene.namespace, "production", "shared", new.encode(), growth=50)

    def with_new() -> set[str]:
        return {item["metadata"]["name"] for item in scene.config_maps() if item["data"]["config.json"] == new}

    second = stage.start("second")
    stage.wait_for_assigned()
    staying, going = sorted((first, second), key=lambda replica: len(replica.shards))
    wait_until(lambda: len(with_new()) >= 3, 50, "the first ConfigMaps with the new version")
    going.process.send(signal.SIGTERM)
    stage.wait_for_shares([staying], [1])
    early = with_new()
    assert 0 < len(early) < len(names), "it was not handed over in the middle"
    wait_until(lambda: with_new() == set(names), 60, "the new version everywhere")
    assert stage.starts(since=since) == []
    assert versions_of(stage, names, began) == {name: [new] for name in names}


def be_cut_off(stage: Stage) -> None:
    """A replica cannot reach the API server: another one takes over, and nothing of the first is written after that."""
    scene, names = stage.scene, named(32)
    with Relay(stage.control_plane.url) as relay:
        lonely = stage.start("lonely", shards=2, through=relay)
        sync(stage, names)
        other = stage.start("other", shards=2)
        stage.wait_for_shares([lonely, other], [1, 1])
        stage.wait_for_polls(names, since=time.monotonic())
        began, (shard,) = scene.resource_version(), lonely.shards
        its = of(stage, lonely, names)
        one, changed = its[:2]

        # A receipt takes so long that it has this in hand when it is cut off, and cannot write it.
        stage.proxy.fail(Operation.LATEST, Fault.trickle(pause=0.1), times=None, place=scene.place(one))
        since = time.monotonic()
        stage.deploy([one], version(2))
        wait_until(lambda: any(call.size for call in stage.polls(one, since=since, by=lonely)), TIMEOUT, "a receipt")
        relay.cut()
        since, clock = time.monotonic(), time.time()
        stage.proxy.heal()
        stage.wait_for_shares([other], [2])
        renewed = max(stage.renewals(lonely, shard))
        taken = min(at for at in stage.renewals(other, shard) if at > clock)
        polled = max(call.time for call in stage.calls(since=0, by=lonely)) - time.monotonic() + time.time()
        assert polled < renewed + LEASE_SECONDS <= taken
        stage.deploy([one], version(3))
        scene.wait_for_content(one, {"config.json": version(3)}, timeout=SPREAD_SECONDS + TIMEOUT)
        assert stage.calls(since=since + LEASE_SECONDS, by=lonely) == []
        stage.wait_for_polls(set(its) - {changed}, since=since, by=other, timeout=SPREAD_SECONDS + 5)

        stage.deploy(["elsewhere"], version(9))
        scene.change(changed, configurationProfile="elsewhere")
        scene.wait_for_content(changed, {"config.json": version(9)}, timeout=SPREAD_SECONDS + TIMEOUT)
        stay = [name for name in names if name != changed]
        before = scene.source(one)["status"]
        relay.restore()
        restored = time.monotonic()
        wait_until(lambda: f"Lost shard {shard}" in lonely.process.log, TIMEOUT, "word of the loss")
        stage.wait_for_shares([lonely, other], [1, 1])
        stage.wait_for_polls(stay, since=time.monotonic(), polls=2)
        assert [write for write in stage.writes(lonely, since=clock) if write.resource == "configmaps"] == []
        assert scene.source(one)["status"] == before
        # What it gets back comes with its sessions, but where it has not seen yet what the other one did meanwhile.
        assert {place.profile for place in stage.starts(since=restored)} <= {one, changed, "elsewhere"}
        (its_own, *_) = of(stage, lonely, [name for name in stay if name != one])
        stage.deploy([one, its_own], version(4))
        for name in (one, its_own):
            scene.wait_for_content(name, {"config.json": version(4)})
        assert stage.writes(lonely, since=clock) != [], "the audit log does not report its writes"
        history = versions_of(stage, [one, changed], began)
        assert history[one] in ([version(number) for number in numbers] for numbers in ((3, 4), (2, 3, 4)))
        assert history[changed] == [version(9)]
        stage.check_one_poller([name for name in stay if name != one])
        stage.check_one_poller([one], again=True)


def be_cut_off_alone(stage: Stage) -> None:
    """A single replica cannot reach the API server for longer than its Lease: it goes on where it was."""
    scene = stage.scene
    with Relay(stage.control_plane.url) as relay:
        alone = stage.start("alone", through=relay)
        sync(stage, ["stays"])
        # Its ConfigMap stays, so that the watch on those does not report its end.
        stage.deploy(["goes"])
        scene.apply("goes", configurationProfile="goes", target={"creationPolicy": "Orphan"})
        scene.wait_for("goes", "Synced")
        relay.cut()
        since = time.monotonic()
        scene.delete("goes")
        wait_until(lambda: time.monotonic() - since > LEASE_SECONDS + 1, TIMEOUT, "the end of its Lease")
        assert stage.calls(since=since + LEASE_SECONDS) == []
        relay.restore()
        restored = time.monotonic()
        stage.wait_for_polls(["stays"], since=restored, polls=2)
        assert stage.calls(since=since, operation=Operation.START) == []
        stage.check_one_poller(["stays"])
        wait_for_silence(stage.proxy, scene.place("goes"), beside=scene.place("stays"))
        wait_until(lambda: alone.metrics()["sources_known"] == 1, TIMEOUT, "one source only")
        stage.deploy(["stays"], version(2))
        scene.wait_for_content("stays", {"config.json": version(2)})
        assert stage.starts(since=since) == []
        assert alone.ready()


def be_paused(stage: Stage) -> None:
    """A replica is stopped in the middle of a poll for longer than its Lease: what it has in hand is never written."""
    scene, proxy = stage.scene, stage.proxy
    two = [stage.start("one"), stage.start("another")]
    stage.wait_for_assigned()
    # The one that is to have the shard: the other one would be giving it away.
    other, paused = sorted(two, key=lambda replica: len(replica.shards))
    sync(stage, ["checkout"])
    began = scene.resource_version()

    # A receipt takes so long that there is time to stop it in the middle.
    proxy.fail(Operation.LATEST, Fault.trickle(pause=0.2), times=None)
    since = time.monotonic()
    stage.deploy(["checkout"], version(2))
    wait_until(lambda: any(call.size for call in stage.polls("checkout", since=since)), TIMEOUT, "a receipt")
    paused.process.send(signal.SIGSTOP)
    clock = time.time()
    proxy.heal()
    try:
        stage.deploy(["checkout"], version(3))
        stage.wait_for_shares([other], [1])
        scene.wait_for_content("checkout", {"config.json": version(3)}, timeout=SPREAD_SECONDS + TIMEOUT)
    finally:
        paused.process.send(signal.SIGCONT)
    wait_until(lambda: "Lost shard 0" in paused.process.log, TIMEOUT, "word of the loss")
    # How far the poll had come, and how long the pause was, decides about its end.
    ends = "TargetUnavailable", "Received", "ServiceUnavailable"
    wait_until(lambda: polls_ended(paused, *ends), TIMEOUT, "the end of the poll")
    assert stage.writes(paused, since=clock) == []
    stage.deploy(["checkout"], version(4))
    scene.wait_for_content("checkout", {"config.json": version(4)})
    assert versions_of(stage, ["checkout"], began) == {"checkout": [version(3), version(4)]}
    stage.check_one_poller(["checkout"])


def polls_ended(replica: Replica, *results: str) -> bool:
    metrics = replica.metrics()
    return sum(metrics.get(f'polls_total{{result="{result}"}}', 0) for result in results) >= 2  # one was the first sync


def split_otherwise(stage: Stage) -> None:
    """A rolling update to another number of shards: never two at once, and the log says what is waited for."""
    names = named(16)
    two = stage.start("two", shards=2)
    sync(stage, names)
    four = stage.start("four", shards=4)
    for replica, shards in ((two, 2), (four, 4)):
        words = f"No shards are taken over while there are replicas with a different --shards than {shards}:"
        wait_until(lambda: words in replica.process.log, TIMEOUT, f"a word of {replica.name}")  # noqa: B023
    assert (two.shards, four.shards) == ({0, 1}, set())
    since = time.monotonic()
    stage.wait_for_polls(names, since=since, by=two, polls=2)
    two.process.send(signal.SIGTERM)
    stage.wait_for_shares([four], [4])
    assert "All replicas have the same --shards" in four.process.log
    stage.wait_for_polls(names, since=since, by=four, polls=2, timeout=SPREAD_SECONDS + 5)
    stage.check_one_poller(names, again=True)
