"""docs/glossary.md: each of its words is used, and the words that they took the place of are not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GLOSSARY = ROOT / "docs" / "glossary.md"

RETIRED = {
    "Tenure": "HeldLease",
    "LeasesSeen": "ObservedLeases",
    "TenureHolding": "LeaseGuard",
    "Turnover": "ShardTransitions",
    "ShardHost": "ShardRunner",
    "errands": "executor",
    "strangers": "mismatched_replicas",
    "litter": "stale_leases",
    "AwaitedError": "BlockedError",
    "RefusedError": "ForbiddenError",
    "PacedError": "RateLimitedError",
    "Turnstile": "DelayQueue",
    "unproven": "not known to be quick",
    "drift_watches": "watches.config_maps",
    "awaited_watches": "watches.awaited",
    "leases_seen": "observed_leases",
    "appconfig_proxy": "sandbox.aws.data_plane",
    "token_bucket": "rate_limit",
    "Setbacks": "Retries",
    "LeaseTroubles": "LeaseFailures",
    "WrittenConfigMap": "WriteResult",
    "MarkedConfigMaps": "ConfigMapMetadata",
    "AnswerTooLongError": "ResponseTooLongError",
}
"""Retired names, and what is said in their place."""


def words() -> list[str]:
    return re.findall(r"^\| ([a-z ]+) \| (?!meaning)", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)


def texts(*patterns: str) -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    here = {str(Path(__file__).relative_to(ROOT)), "CHANGELOG.md"}
    names = [name for name in listed.stdout.split("\0") if name and name not in here and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names}


@pytest.mark.parametrize("word", words())
def test_each_word_is_used_in_the_code(word: str) -> None:
    stem = word.replace(" ", "[ _]?")
    assert any(re.search(stem, text, re.IGNORECASE) for text in texts("operator/*.py").values())


@pytest.mark.parametrize(("word", "instead"), RETIRED.items())
def test_a_retired_name_is_nowhere(word: str, instead: str) -> None:
    found = [
        name for name, text in texts("*.py", "*.md", "*.toml", "*.yaml").items() if re.search(rf"\b{word}\b", text)
    ]
    assert not found, f"say {instead} in place of {word}"
