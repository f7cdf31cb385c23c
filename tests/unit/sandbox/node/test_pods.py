"""Pods that satisfy the restricted standard."""

from __future__ import annotations

import json

from sandbox.node.pods import restricted_pod


def test_pod_mounts_and_takes_what_it_is_told() -> None:
    pod = json.loads(restricted_pod("a", mounts={"/one": "first", "/two": "second"}, variables_from=["third"]))
    (container,) = pod["spec"]["containers"]
    volumes = {volume["name"]: volume["configMap"]["name"] for volume in pod["spec"]["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    assert mounts == {"/one": "first", "/two": "second"}
    assert container["envFrom"] == [{"configMapRef": {"name": "third"}}]
