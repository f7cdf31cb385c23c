"""Labels, annotations and the field manager by which the operator recognizes what it wrote."""

from __future__ import annotations

from appconfig_operator.api.v1alpha1 import GROUP

FIELD_MANAGER = "appconfig-operator"
"""The field manager of each write, and the value of the label `MANAGED_BY`."""

MANAGED_BY = "app.kubernetes.io/managed-by"
SOURCE_UID = f"{GROUP}/source-uid"

SOURCE = f"{GROUP}/source"
DIGEST = f"{GROUP}/digest"
VERSION_LABEL = f"{GROUP}/version-label"
CONTENT_TYPE = f"{GROUP}/content-type"
