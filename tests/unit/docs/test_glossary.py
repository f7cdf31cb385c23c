"""docs/glossary.md: each of its words is used, and the words that they took the place of are not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GLOSSARY = ROOT / "docs" / "glossary.md"

RETIRED = {
    # Sharding.
    "Tenure|TenureHolding": "HeldLease, LeaseGuard",
    "LeasesSeen|leases_seen": "ObservedLeases",
    "Turnover": "ShardTransitions",
    "ARRIVED|SURRENDERED|TAKEN|(import|class) (Stay|Holding|Shares)": "ACQUIRED, DRAINED, SESSIONS_LOADED, Membership",
    "ShardHost": "ShardRunner",
    "errands": "executor",
    "strangers|litter": "mismatched_replicas, stale leases",
    "Setbacks|LeaseTroubles": "Retries, LeaseFailures",
    # What is known of a source, and when it is polled.
    "(import|class) (Memory|Entry)": "SourceState, PollState",
    "Turnstile|(import|class) (Turns|Awaited)": "DelayQueue, WaitIndex",
    "unproven": "not known to be quick",
    "unlooked|astray|(import|class) Seen": "ConfigMapSnapshot, drift_check_pending, new_strays",
    "Teller|Untold|untold": "StatusRetrier, UnreportedStatus",
    "start_anew": "restart",
    "Keeper": "HistoryKeeper",
    # Errors and results.
    "AwaitedError|TargetBlockedError": "BlockedError",
    "RefusedError": "ForbiddenError",
    "PacedError": "RateLimitedError",
    "WrittenConfigMap": "WriteResult",
    "AnswerTooLongError": "ResponseTooLongError",
    # Modules, and what they offer.
    "drift_watches|awaited_watches": "watches.config_maps, watches.awaited",
    "appconfig_proxy": "sandbox.aws.data_plane",
    "token_bucket": "rate_limit",
    "MarkedConfigMaps": "ConfigMapMetadata",
    "(import|class) (Media|Identities)": "MediaType, CallerPool",
    "pace\\.ordinary": "backoff.poll_delay",
    "kubeconform": "the API server",
    # English.
    "[Tt]old|[Tt]ells?(?! apart)": "report, show, log or notify",
    "[Mm]end(s|ed|ing)?": "fix",
    "[Aa]new": "again",
    "put right": "revert or restore",
    "cannot be had": "is unavailable",
    "for ever": "forever",
    "at the least": "at minimum",
    "typing errors?": "typo",
    "(hold|holds|held) (up(?! to)|back)": "block or delay",
    "a key a value|one line an event": "one key per value, one line per event",
    "belongs to what": "how the pieces fit together",
    "[Hh]and-over": "handover",
}
"""Retired words, as regular expressions, and what to say in their place."""


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
def test_a_retired_word_is_nowhere(word: str, instead: str) -> None:
    prose = texts("*.py", "*.md", "*.toml", "*.yaml", "*.yml", "*.json", "*.txt", "*.tpl", "Makefile", "Dockerfile")
    found = {
        name: match[0] for name, text in prose.items() if (match := re.search(rf"(?<![\w-])({word})(?![\w-])", text))
    }
    assert not found, f"say {instead}"
