"""Sessions that one replica saves and another goes on with, on MiniStack behind the strict proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.errors import TooEarlyError, TransientError, WaitingError
from appconfig_operator.core.formats.content import Content
from sandbox.aws.data_plane import Fault, Operation
from sandbox.processes.waiting import wait_until
from tests.integration.support.aws_access import IMPATIENT, new_place, session

if TYPE_CHECKING:
    from appconfig_operator.aws.session import Session
    from appconfig_operator.core.sharding.handover import SavedSession
    from sandbox import AppConfig
    from sandbox.aws.appconfig import Place
    from sandbox.aws.data_plane import AppConfigProxy

pytestmark = pytest.mark.usefixtures("led")

V1 = Content(body=b'{"a": 1}', content_type="application/json", version_label="v1")
V2 = Content(body=b'{"a": 2}', content_type="application/json", version_label="v2")


@pytest.fixture
def place(appconfig: AppConfig) -> Place:
    """Where V1 is deployed."""
    place = new_place()
    deploy(appconfig, place, V1)
    return place


def deploy(appconfig: AppConfig, place: Place, content: Content) -> None:
    appconfig.deploy(
        place.application, place.environment, place.profile, content.body, version_label=content.version_label
    )


def saved(ours: Session) -> SavedSession:
    found = ours.save()
    assert found is not None
    return found


@pytest.fixture
def first(place: Place) -> Session:
    """The session of the first replica, which has delivered V1."""
    first = session(place)
    assert first.poll() == V1
    return first


def test_goes_on_without_a_new_session(
    proxy: AppConfigProxy, appconfig: AppConfig, place: Place, first: Session
) -> None:
    second = session(place, saved=saved(first))
    assert second.poll() is None, "nothing changed, so nothing is received and billed"
    deploy(appconfig, place, V2)
    third = session(place, saved=saved(second))
    assert third.poll() == V2
    assert third.poll() is None
    assert proxy.sessions() == 1


def test_what_was_deployed_in_between_arrives(
    proxy: AppConfigProxy, appconfig: AppConfig, place: Place, first: Session
) -> None:
    kept = saved(first)
    deploy(appconfig, place, V2)
    assert session(place, saved=kept).poll() == V2
    assert proxy.sessions() == 1


def test_before_anything_is_deployed(proxy: AppConfigProxy, appconfig: AppConfig) -> None:
    """Nobody has a session then: AWS starts none."""
    place = new_place()
    appconfig.ensure(place.application, place.environment, place.profile)
    first = session(place)
    with pytest.raises(WaitingError):
        first.poll()
    assert first.save() is None
    deploy(appconfig, place, V1)
    assert session(place).poll() == V1
    assert proxy.sessions() == 1


def test_the_interval_is_that_of_the_session(proxy: AppConfigProxy, place: Place) -> None:
    proxy.rules.poll_interval = 90
    first = session(place)
    first.poll()
    proxy.rules.enforce_interval = True
    second = session(place, saved=saved(first))
    assert second.interval == 90
    with pytest.raises(TooEarlyError):
        second.poll()
    proxy.rules.enforce_interval = False
    assert session(place, saved=saved(second)).poll() is None, "the token is still good"


def test_the_newest_token_that_was_used_goes_on(proxy: AppConfigProxy, place: Place, first: Session) -> None:
    """As recorded: AWS takes it once more."""
    kept = saved(first)
    first.poll()
    assert session(place, saved=kept).poll() is None
    assert proxy.sessions() == 1


def test_an_older_token_costs_a_new_session_and_nothing_else(
    proxy: AppConfigProxy, place: Place, first: Session
) -> None:
    kept = saved(first)
    first.poll()
    first.poll()
    second = session(place, saved=kept)
    assert second.poll() == V1
    assert second.poll() is None
    assert proxy.sessions() == 2


def test_a_token_that_has_expired_costs_a_new_session(proxy: AppConfigProxy, place: Place, first: Session) -> None:
    proxy.rules.token_lifetime = 0.0
    with pytest.raises(TransientError):
        session(place, saved=saved(first)).poll()  # the new one's token expires as soon
    proxy.rules.token_lifetime = 60.0
    assert session(place, saved=saved(first)).poll() is None, "as it was"


def test_a_lost_call_leaves_nothing_to_save(proxy: AppConfigProxy, place: Place) -> None:
    ours = session(place, IMPATIENT)
    ours.poll()
    proxy.fail(Operation.LATEST, Fault.hang())
    with pytest.raises(TransientError):
        ours.poll()
    assert ours.save() is None


def test_a_throttled_call_leaves_the_token(proxy: AppConfigProxy, place: Place, first: Session) -> None:
    kept = saved(first)
    proxy.fail(Operation.LATEST, Fault.throttled())
    with pytest.raises(TransientError):
        first.poll()
    assert saved(first) == kept
    assert session(place, saved=saved(first)).poll() is None


def test_no_older_version_in_the_middle_of_a_deployment(
    proxy: AppConfigProxy, appconfig: AppConfig, place: Place
) -> None:
    """Which version a session gets is decided by its token; MiniStack, too, has it from the first one."""
    crowd = [session(place) for _ in range(40)]
    for each in crowd:
        assert each.poll() == V1
    appconfig.deploy_gradually(place.application, place.environment, place.profile, V2.body, version_label="v2")
    early: list[Session] = []

    def arrived() -> bool:
        early.extend(each for each in crowd if each.poll() == V2)
        return bool(early)

    wait_until(arrived, 45, "the first session to get the new version")
    before = proxy.sessions()
    assert [session(place, saved=saved(each)).poll() for each in early] == [None] * len(early)
    assert proxy.sessions() == before
    renewed = [session(place).poll() for _ in range(20)]
    assert V1 in renewed, "a new session in place of the restored one could have brought this one back"
    again = session(place, saved=saved(next(each for each in crowd if each not in early)))
    assert again.poll() in {None, V2}, "nor is anything received twice"
