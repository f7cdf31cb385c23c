"""The operator as its own process, with the rights that the manifests give it, against a real API server."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import pytest

from sandbox.aws.data_plane import AppConfigProxy, Rules
from sandbox.kube.operator_process import allow_leases, operator

# Before they are imported: their assertions are to show what they saw.
pytest.register_assert_rewrite("tests.e2e.support")

from tests.e2e.support.beside import STORIES, Beside, ServedCluster  # noqa: E402 (see above)
from tests.e2e.support.canary import LOOKOUT  # noqa: E402 (see above)
from tests.e2e.support.scene import Scene, administrator, check_log  # noqa: E402 (see above)
from tests.e2e.support.stage import Stage  # noqa: E402 (see above)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from sandbox import AppConfig, ControlPlane, MiniStack, Process
    from sandbox.kube.rest import Rest

STORIES_AT_ONCE = 2


class StartOperator(Protocol):
    """Starts operators that end with the test."""

    def __call__(
        self, namespace: str, *, arguments: Sequence[str] = ("--log-format=text",), aws: Mapping[str, str] = ...
    ) -> Process:
        """Start one that serves one namespace."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move what runs beside the other tests to the end."""
    items.sort(key=lambda item: asks_for_beside(item) or story_of(item) is not None)


def asks_for_beside(item: pytest.Item) -> bool:
    return "beside" in getattr(item, "fixturenames", ())


def story_of(item: pytest.Item) -> Callable[[Stage], None] | None:
    marker = item.get_closest_marker("meanwhile")
    return None if marker is None else marker.kwargs["story"]


@pytest.fixture(scope="session")
def api(installed: ControlPlane) -> Iterator[Rest]:
    """The API server as the administrator, with the operator's CRD and rights."""
    # The garbage collector then knows the new kind at once.
    installed.restart_controllers()
    with LOOKOUT.over(administrator(installed)):
        yield administrator(installed)


@pytest.fixture(scope="session", autouse=True)
def lookout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the run fail where the operator has shown a value of what was deployed, in whatever test and wherever."""
    yield
    LOOKOUT.look_into_logs(tmp_path_factory.getbasetemp())
    LOOKOUT.check()


@pytest.fixture(scope="session")
def new_scene(api: Rest, appconfig: AppConfig) -> Callable[[], Scene]:
    """Makes namespaces."""

    def new() -> Scene:
        scene = Scene(api, appconfig, f"test-{uuid.uuid4().hex[:10]}")
        scene.create_namespace()
        return scene

    return new


@pytest.fixture
def scene(new_scene: Callable[[], Scene]) -> Scene:
    """A namespace of the test's own that nobody serves yet."""
    return new_scene()


@pytest.fixture(scope="module")
def served(
    request: pytest.FixtureRequest,
    new_scene: Callable[[], Scene],
    installed: ControlPlane,
    aws: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Iterator[Scene]]:
    """Namespaces, one for each test of a file, that one operator serves."""
    tests = [item for item in request.session.items if item.path == request.path]
    scenes = [new_scene() for _ in tests]
    arguments = ["--log-format=text", *(f"--namespace={scene.namespace}" for scene in scenes)]
    folder = tmp_path_factory.mktemp("operator")
    leases = scenes[0].namespace
    allow_leases(installed, leases)
    with operator(installed, folder, aws=aws, arguments=arguments, lease_namespace=leases) as running:
        yield iter(scenes)
    check_log(running)


@pytest.fixture
def served_scene(served: Iterator[Scene]) -> Scene:
    """A namespace of the test's own that an operator serves."""
    return next(served)


@pytest.fixture(scope="module")
def proxy(ministack: MiniStack) -> Iterator[AppConfigProxy]:
    """AppConfig's data plane, which wants a poll each second: the CRD takes no shorter interval than 15 s."""
    with AppConfigProxy(ministack.url, Rules(poll_interval=1)) as running:
        yield running
    # AWS takes a used token once more, so nothing else would show that one was used twice.
    assert running.replays() == []


@pytest.fixture(scope="module")
def aws(ministack: MiniStack, proxy: AppConfigProxy) -> dict[str, str]:
    """Environment variables that lead an operator to the proxy."""
    return {**ministack.environment(), **proxy.environment()}


@pytest.fixture
def start_operator(
    installed: ControlPlane, aws: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartOperator]:
    started: list[Process] = []
    allowed: set[str] = set()

    def start(
        namespace: str, *, arguments: Sequence[str] = ("--log-format=text",), aws: Mapping[str, str] = aws
    ) -> Process:
        folder = tmp_path_factory.mktemp("operator")
        if namespace not in allowed:
            allow_leases(installed, namespace)
            allowed.add(namespace)
        process = operator(
            installed,
            folder,
            aws=aws,
            arguments=[f"--namespace={namespace}", *arguments],
            lease_namespace=namespace,
        )
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.stop()
    for process in started:
        check_log(process)


@pytest.fixture(scope="session", autouse=True)
def _beside(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """Start the slow stories with the first test, where they are asked for at all."""
    request.getfixturevalue("lookout")  # which is to end after them
    wanted = any(map(asks_for_beside, request.session.items))
    stories: Beside = {}
    # One thread, so that they come one after the other: they share a cluster.
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as thread:
        if wanted:
            cluster = ServedCluster(
                ministack=request.getfixturevalue("ministack"),
                appconfig=request.getfixturevalue("appconfig"),
                folder=tmp_path_factory.mktemp("beside"),
            )
            stories |= {name: thread.submit(story, cluster) for name, story in STORIES.items()}
            thread.submit(cluster.close)
        yield stories


@pytest.fixture
def beside(_beside: Beside) -> Beside:
    """Stories that mostly wait: a thread runs them while the other tests run."""
    return _beside


@pytest.fixture(scope="session", autouse=True)
def _meanwhile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Callable[[Stage], None], Future[None]]]:
    """Start the stories about replicas with the first test, those that are asked for."""
    request.getfixturevalue("lookout")  # which is to end after them
    stories = [story for story in map(story_of, request.session.items) if story is not None]
    with ThreadPoolExecutor(STORIES_AT_ONCE, thread_name_prefix="meanwhile") as threads:
        if not stories:
            yield {}
            return
        new_scene: Callable[[], Scene] = request.getfixturevalue("new_scene")
        control_plane, ministack = request.getfixturevalue("installed"), request.getfixturevalue("ministack")

        def run(story: Callable[[Stage], None]) -> None:
            folder = tmp_path_factory.mktemp(story.__name__)
            with Stage(control_plane, ministack, new_scene(), folder) as stage:
                story(stage)

        yield {story: threads.submit(run, story) for story in stories}


@pytest.fixture
def meanwhile(request: pytest.FixtureRequest, _meanwhile: dict[Callable[[Stage], None], Future[None]]) -> Future[None]:
    """The story that the test's marker `meanwhile` names: threads run them while the other tests run."""
    story = story_of(request.node)
    assert story is not None
    return _meanwhile[story]
