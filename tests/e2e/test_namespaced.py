"""The overlay for one namespace: installed by who is `admin` there, and with no right on the cluster at all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from sandbox import wait_until
from sandbox.kube.kubectl import Kubectl, KubectlError
from sandbox.kube.operator_process import MANIFESTS, SERVICE_ACCOUNT, operator
from sandbox.kube.rest import Rest
from tests.e2e.support.scene import TIMEOUT, Scene, administrator, check_log
from tools.manifests import Overlay, render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox import AppConfig, ControlPlane, Process, Request

ADMIN = "team"
DISCOVERY = re.compile(
    r"/version|/api(/v1)?|/apis(/[^/]+/[^/]+)?|/apis/authorization\.k8s\.io/v1/selfsubjectaccessreviews"
)
"""What everybody may ask that is known to the API server, what he may do among it."""

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RESOURCES = (
    ("appconfig-operator.io", "appconfigsources"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "namespaces"),
    ("apps", "controllerrevisions"),
    ("events.k8s.io", "events"),
    ("coordination.k8s.io", "leases"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
)
NEW_RIGHTS = (
    ("list", "appconfig-operator.io", "appconfigsources"),
    ("create", "appconfig-operator.io", "appconfigsources"),
    ("create", "apps", "controllerrevisions"),
)
"""One of each of the user roles: they come one after the other."""


@dataclass(frozen=True)
class Team:
    """Who is `admin` in one namespace, by a token of a ServiceAccount, and nobody anywhere else."""

    scene: Scene
    """Its namespace, as it sees it itself."""
    kubectl: Kubectl

    @property
    def namespace(self) -> str:
        return self.scene.namespace

    def apply(self, folder: Path, overlay: Overlay, *options: str) -> str:
        folder.mkdir()
        overlay.write(folder)
        return self.kubectl("apply", "--server-side", *options, "-k", folder)


NewTeam = Callable[..., Team]


@pytest.fixture
def new_team(new_scene: Callable[[], Scene], installed: ControlPlane, appconfig: AppConfig) -> NewTeam:
    """Makes teams, each with a namespace and with ClusterRoles that are bound there."""
    cluster_admin = Kubectl(installed.kubeconfig)

    def new(*roles: str) -> Team:
        namespace = new_scene().namespace
        cluster_admin("create", "serviceaccount", ADMIN, "-n", namespace)
        subject = f"--serviceaccount={namespace}:{ADMIN}"
        for number, role in enumerate(roles):
            name = f"{ADMIN}-{number}"
            cluster_admin("create", "rolebinding", name, f"--clusterrole={role}", subject, "-n", namespace)
        token = installed.service_account_token(namespace, ADMIN)
        scene = Scene(Rest(installed.url, installed.ca_file, token), appconfig, namespace)
        return Team(scene, Kubectl(installed.kubeconfig_for(f"{namespace}-{ADMIN}", token)))

    return new


@pytest.fixture
def new_admins(new_team: NewTeam, installed: ControlPlane) -> NewTeam:
    """Makes teams with `admin`, in a cluster whose administrator has applied the user roles."""
    Kubectl(installed.kubeconfig)("apply", "--server-side", "-k", MANIFESTS / "user-roles")

    def new() -> Team:
        team = new_team("admin")
        for right in NEW_RIGHTS:
            wait_until(lambda right=right: may(team, *right), TIMEOUT, f"the right to {right}")  # type: ignore[misc]
        return team

    return new


def may(team: Team, verb: str, group: str, resource: str) -> bool:
    asked = {"verb": verb, "group": group, "resource": resource, "namespace": team.namespace}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = team.scene.api.json("POST", path, {"spec": {"resourceAttributes": asked}})
    return bool(answer["status"]["allowed"])


def with_args(overlay: Overlay, *arguments: str) -> Overlay:
    path = "/spec/template/spec/containers/0/args/-"
    patch = yaml.safe_dump([{"op": "add", "path": path, "value": argument} for argument in arguments])
    return Overlay(
        overlay.resources,
        overlay.components,
        {**overlay.fields, "patches": [{"target": {"kind": "Deployment"}, "patch": patch}]},
    )


def let_in(other: Team, one: Team, folder: Path) -> None:
    """Return the operator of one team its rights in the namespace of the other."""
    patch = f"- {{op: replace, path: /subjects/0/namespace, value: {one.namespace}}}"
    patches = [{"target": {"kind": "RoleBinding"}, "patch": patch}]
    fields = {"namespace": other.namespace, "patches": patches}
    other.apply(folder, Overlay(["overlays/watch-namespace"], fields=fields))


def started(control_plane: ControlPlane, team: Team, folder: Path, aws: dict[str, str]) -> Process:
    """Prepare what the Deployment would run, as its ServiceAccount: there is no node here."""
    deployment = team.kubectl("get", "deployment", "appconfig-operator", "-n", team.namespace, "-o", "yaml")
    (container,) = yaml.safe_load(deployment)["spec"]["template"]["spec"]["containers"]
    program, *arguments = [argument.replace("$(POD_NAMESPACE)", team.namespace) for argument in container["args"]]
    assert program == "run"
    return operator(
        control_plane,
        folder,
        aws=aws,
        arguments=[*arguments, "--log-format=text"],
        lease_namespace=team.namespace,
        kubeconfig=control_plane.service_account_kubeconfig(team.namespace, SERVICE_ACCOUNT),
    )


def test_admin_as_kubernetes_has_it_is_not_enough_to_install_it(new_team: NewTeam, tmp_path: Path) -> None:
    """The parts of `admin` without what others add: why the user roles are there."""
    team = new_team(*(f"system:aggregate-to-{level}" for level in ("view", "edit", "admin")))
    overlay = Overlay(["overlays/namespaced"], fields={"namespace": team.namespace})
    with pytest.raises(KubectlError, match="attempting to grant RBAC permissions not currently held") as refusal:
        team.apply(tmp_path / "overlay", overlay)
    for missing in ("appconfigsources", "appconfigsources/status", "controllerrevisions"):
        assert f'Resources:["{missing}"]' in str(refusal.value)
    assert str(refusal.value).count("APIGroups:") == 3


def test_an_administrator_of_a_namespace_installs_it_and_nothing_is_asked_of_the_cluster(
    new_admins: NewTeam, installed: ControlPlane, aws: dict[str, str], tmp_path: Path
) -> None:
    one, other = new_admins(), new_admins()
    here = Overlay(["overlays/namespaced"], fields={"namespace": one.namespace})
    one.apply(tmp_path / "here", with_args(here, f"--namespace={other.namespace}"))
    let_in(other, one, tmp_path / "there")
    with started(installed, one, tmp_path, aws) as running:
        other.scene.deploy(b'{"version": "can4rybird 1"}')
        other.scene.apply("checkout")
        digest = live(one.scene)
        running.stop()
        running.start()
        take_back(one.scene, digest)
        other.scene.wait_for("checkout", "Synced")
        assert one.kubectl("get", "leases", "-n", one.namespace, "-o", "name").count("appconfig-operator-") == 2
        one.scene.delete("renamed")
    assert running.exit_code == 0
    check_log(running)
    user = f"system:serviceaccount:{one.namespace}:{SERVICE_ACCOUNT}"
    check_requests(installed.requests_of(user), [one.namespace, other.namespace], rights())
    check_lines(running.log, one.namespace, other.namespace)
    check_rights(administrator(installed), user, one.namespace)


def test_a_namespace_that_did_not_let_it_in_is_named_holds_up_no_other_and_is_served_once_it_does(
    new_admins: NewTeam, installed: ControlPlane, aws: dict[str, str], tmp_path: Path
) -> None:
    one, other = new_admins(), new_admins()
    here = Overlay(["overlays/namespaced"], fields={"namespace": one.namespace})
    one.apply(tmp_path / "here", with_args(here, f"--namespace={other.namespace}"))
    for scene in (one.scene, other.scene):
        scene.deploy(b'{"version": "can4rybird 1"}')
        scene.apply("checkout")
    with started(installed, one, tmp_path, aws) as running:
        one.scene.wait_for("checkout", "Synced")
        where = f"in namespace {other.namespace}, so "
        words = [
            f" ERROR   The operator is not allowed to list {kind} {where}"
            for kind in ("configmaps", "appconfigsources")
        ]
        wait_until(lambda: all(each in running.log for each in words), TIMEOUT, "word of what is missing")
        let_in(other, one, tmp_path / "there")
        # It looks every 10 s whether it was let in, and takes some seconds to begin.
        other.scene.wait_for("checkout", "Synced", timeout=2 * TIMEOUT)
        reported = [line for line in running.log.splitlines() if " INFO " not in line]
    assert [sum(each in line for line in reported) for each in words] == [1, 1]
    assert len(reported) == 2


def live(scene: Scene) -> str:
    """Go through what sources can come to need, and return the digest of the first version."""
    scene.deploy(b'{"version": "can4rybird 1"}')
    scene.apply("checkout")
    scene.apply("renamed", target={"name": "before"})
    scene.write_config_map("shared", {"theirs": "x"})
    scene.apply("merged", target={"name": "shared", "key": "ours", "creationPolicy": "Merge"})
    for name in ("checkout", "renamed", "merged"):
        scene.wait_for(name, "Synced")
        scene.wait_for_events(name, [("Normal", "Synced")])
    digest = str(scene.source("checkout")["status"]["target"]["digest"])
    scene.change("renamed", target={"name": "after"})
    scene.wait_for("renamed", "Synced", generation=2)
    wait_until(lambda: not scene.has_config_map("before"), TIMEOUT, "the end of the old ConfigMap")
    scene.deploy(b'{"version": "can4rybird 2"}')
    scene.wait_for_content("checkout", {"config.json": '{"version": "can4rybird 2"}'})
    scene.api.request("DELETE", f"/api/v1/namespaces/{scene.namespace}/configmaps/checkout")
    wait_until(lambda: scene.has_config_map("checkout"), TIMEOUT, "the ConfigMap that somebody deleted")
    return digest


def take_back(scene: Scene, digest: str) -> None:
    """Go back to a version of before, and forward again."""
    scene.change("checkout", pinnedDigest=digest)
    scene.wait_for("checkout", "Pinned", generation=2)
    assert scene.config_map("checkout")["data"] == {"config.json": '{"version": "can4rybird 1"}'}
    scene.change("checkout", pinnedDigest=None, historyLimit=1)
    scene.wait_for("checkout", "Synced", generation=3)
    assert scene.config_map("checkout")["data"] == {"config.json": '{"version": "can4rybird 2"}'}


def rights() -> set[tuple[str, str]]:
    """Return the verbs and resources of the overlay's Roles."""
    roles = [item for item in yaml.safe_load_all(render(MANIFESTS / "overlays" / "namespaced")) if "rules" in item]
    return {
        right
        for role in roles
        for rule in role["rules"]
        for right in itertools.product(rule["verbs"], rule["resources"])
    }


def check_requests(requests: list[Request], namespaces: Sequence[str], granted: set[tuple[str, str]]) -> None:
    """Check that all rights were used, nothing refused, and nothing but what there is asked outside the namespaces."""
    used = {(item.verb, f"{item.resource}/{item.subresource}".rstrip("/")) for item in requests}
    assert granted - used == set()
    assert [request for request in requests if request.code == 403] == []
    outside = {request.uri for request in requests if request.namespace not in namespaces}
    assert {uri for uri in outside if not DISCOVERY.fullmatch(uri)} == set()
    leases = {request.namespace for request in requests if request.resource in {"leases", "secrets"}}
    assert leases == {namespaces[0]}


def check_lines(log: str, *namespaces: str) -> None:
    """Check that the log says what it serves, and complains of nothing but what others did to the ConfigMaps."""
    assert f"Started: namespaces {', '.join(namespaces)}, 10 workers" in log
    assert f"Leases in namespace {namespaces[0]}\n" in log
    reported = [line for line in log.splitlines() if " INFO " not in line]
    assert [" WARNING Drifted: ConfigMap checkout was deleted" in line for line in reported] == [True], reported


def check_rights(administrator: Rest, user: str, namespace: str) -> None:
    """Check that the operator has no right over the cluster, nor in a namespace that nobody has given to it."""
    groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    for verb, (group, resource), where in itertools.product(VERBS, RESOURCES, ("", "default")):
        asked = {"verb": verb, "group": group, "resource": resource, "namespace": where}
        review = {"spec": {"user": user, "groups": groups, "resourceAttributes": asked}}
        answer = administrator.json("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        assert answer["status"]["allowed"] is False, asked
