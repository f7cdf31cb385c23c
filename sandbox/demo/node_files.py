"""The files that the demo on a node writes: values for Helm, and an overlay of a sample."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.demo.story import INTERVAL

if TYPE_CHECKING:
    from pathlib import Path


_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def values(image: str, aws: dict[str, str]) -> str:
    """Write the values of the chart.

    Parameters
    ----------
    image
        The name of the image, without its tag.
    aws
        Environment variables with the endpoint and the credentials for AppConfig.

    Returns
    -------
    str
        The content of a ``values.yaml``.
    """
    keys = "\n".join(f"- name: {name}\n  value: {json.dumps(aws[name])}" for name in _KEYS)
    return f"""\
# The image is on the node already. Elsewhere: where your cluster pulls it from.
image:
  repository: {image}
  pullPolicy: Never
aws:
  region: {aws["AWS_REGION"]}
  # MiniStack. Without it: AWS.
  endpointUrls:
    appconfigdata: {aws["AWS_ENDPOINT_URL"]}
# Keys for MiniStack. With AWS: a role, by serviceAccount.annotations or EKS Pod Identity.
extraEnv:
{keys}
# For people. Default: json.
logFormat: text
"""


def overlay(sample: Path, source: str, image: str) -> str:
    """Write an overlay that adapts the sample of a consumer to this node.

    Parameters
    ----------
    sample
        The file, which has to be in the same folder.
    source
        The AppConfigSource that the sample reads.
    image
        The image that its container runs in place of busybox, with a tag.

    Returns
    -------
    str
        The content of a ``kustomization.yaml``.
    """
    name, _, tag = image.rpartition(":")
    return f"""\
resources:
- {sample.name}
images:
# This node has its own: nothing is pulled.
- name: busybox
  newName: {name}
  newTag: "{tag}"
patches:
# Every {INTERVAL} s, so that you don't have to wait for a minute.
- target: {{kind: AppConfigSource, name: {source}}}
  patch: |-
    - {{op: add, path: /spec/pollIntervalSeconds, value: {INTERVAL}}}
"""
