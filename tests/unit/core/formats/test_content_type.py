"""Which language a content type says."""

from __future__ import annotations

import pytest

from appconfig_operator.core.formats.content_type import MediaType, media_type


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", MediaType.JSON),
        ("Application/JSON; charset=utf-8", MediaType.JSON),
        ("application/vnd.shop+json", MediaType.JSON),
        ("text/yaml", MediaType.YAML),
        ("application/openapi+yaml;version=3.1", MediaType.YAML),
        ("application/ion;type=AWS.AppConfig.FeatureFlags", MediaType.ION_FLAGS),
        ('application/ion; Type="aws.appconfig.featureflags"', MediaType.ION_FLAGS),
        ("application/ion", MediaType.OTHER),
        ("application/ion;type=other", MediaType.OTHER),
        ("application/x;type=AWS.AppConfig.FeatureFlags", MediaType.OTHER),
        ("text/plain", MediaType.OTHER),
        ("", MediaType.OTHER),
    ],
)
def test_media_type(content_type: str, expected: MediaType) -> None:
    assert media_type(content_type) is expected
