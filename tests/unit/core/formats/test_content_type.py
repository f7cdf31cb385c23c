"""Which language a content type says."""

from __future__ import annotations

import pytest

from appconfig_operator.core.formats.content_type import Media, media


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", Media.JSON),
        ("Application/JSON; charset=utf-8", Media.JSON),
        ("application/vnd.shop+json", Media.JSON),
        ("text/yaml", Media.YAML),
        ("application/openapi+yaml;version=3.1", Media.YAML),
        ("application/ion;type=AWS.AppConfig.FeatureFlags", Media.ION_FLAGS),
        ('application/ion; Type="aws.appconfig.featureflags"', Media.ION_FLAGS),
        ("application/ion", Media.OTHER),
        ("application/ion;type=other", Media.OTHER),
        ("application/x;type=AWS.AppConfig.FeatureFlags", Media.OTHER),
        ("text/plain", Media.OTHER),
        ("", Media.OTHER),
    ],
)
def test_media(content_type: str, expected: Media) -> None:
    assert media(content_type) is expected
