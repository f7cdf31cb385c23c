"""All that a story on the node needs: the cluster, an AppConfig, a namespace for those who read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.node.support.installation import values
from tests.node.support.readers import Readers
from tests.node.support.stages import Stages

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from sandbox import AppConfig, MiniStack
    from sandbox.kube.kubectl import Kubectl
    from sandbox.node import Cluster


@dataclass(frozen=True)
class Site:
    """Where a story takes place."""

    cluster: Cluster
    """It has the operator's image."""
    ministack: MiniStack
    appconfig: AppConfig
    kubectl: Kubectl
    """As the administrator of the cluster."""
    namespace: str
    """For those who read. Pod Security `restricted` is enforced there."""
    folder: Path
    seconds: dict[str, float]

    def stages(self, story: str) -> Stages:
        """Begin to note how long the parts of a story take."""
        return Stages(story, self.seconds)

    def readers(self, stages: Stages, kubectl: Kubectl | None = None) -> Readers:
        """Prepare sources, and Pods that read what becomes of them. Default: applied by the administrator."""
        return Readers(kubectl or self.kubectl, self.appconfig, self.namespace, self.folder / "readers", stages)

    def values_file(self, **more: Any) -> Path:
        """Write values for the chart."""
        file = self.folder / "values.json"
        file.write_text(values(self.ministack, **more), encoding="utf-8")
        return file
