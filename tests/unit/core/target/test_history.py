from __future__ import annotations

import copy

import pytest

from appconfig_operator.api.status import KeptVersion
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.history import SHOWN, counted, pruned, remembered, replaced_version
from appconfig_operator.core.target.plan import Create, plan, wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from tests.support.builders import source

NOW = "2026-01-01T00:00:00Z"


def version(text: str = "x", binary: str | None = None) -> RenderedVersion:
    return RenderedVersion(Data(text={"k": text}, binary={"b": binary} if binary else {}), "v1", "text/plain")


def entry(data_digest: str, revision: int = 1) -> KeptVersion:
    return KeptVersion(data_digest, "v", revision, NOW)


def test_only_what_the_operator_wrote_is_a_version() -> None:
    action = plan(wanted_config_map(source(), version()), None)
    assert isinstance(action, Create)
    observed = copy.deepcopy(dict(action.body))
    assert replaced_version(observed) == version()
    observed["data"]["k"] = "changed by somebody"
    assert replaced_version(observed) is None
    del observed["metadata"]["annotations"]
    assert replaced_version(observed) is None


def test_a_version_that_is_there_already_moves_up_and_its_old_copy_is_spare() -> None:
    data_digest = version().data.data_digest
    cut, newest = remembered((entry("b", 5), entry(data_digest, 2)), version(), now=NOW)
    assert [kept.data_digest for kept in cut.history] == [data_digest, "b"]
    assert cut.spare == (entry(data_digest, 2),)
    assert newest.revision == 6


def test_a_number_is_not_given_out_twice() -> None:
    _, newest = remembered((entry("b", 5),), version(), given=(entry("gone", 9), entry("forged", 2**63 - 1)), now=NOW)
    assert newest.revision == 10


def test_a_history_is_what_is_really_kept_newest_first() -> None:
    cut = counted([entry("a", 1), entry("b", 3), entry("a", 4), entry("c", 2)])
    assert [(kept.data_digest, kept.revision) for kept in cut.history] == [("a", 4), ("b", 3), ("c", 2)]
    assert cut.spare == (entry("a", 1),)


def test_a_history_is_no_longer_than_a_status_takes() -> None:
    cut = counted(entry(str(number), number + 1) for number in range(100))
    assert (len(cut.history), len(cut.spare)) == (SHOWN, 100 - SHOWN)
    assert cut.history[0].revision == 100


def test_a_label_that_somebody_made_longer_than_a_status_takes_is_cut() -> None:
    action = plan(wanted_config_map(source(), version()), None)
    assert isinstance(action, Create)
    observed = copy.deepcopy(dict(action.body))
    observed["metadata"]["annotations"]["appconfig-operator.io/version-label"] = "x" * 200_000
    replaced = replaced_version(observed)
    assert replaced is not None
    assert len(replaced.label) == 1024


@pytest.mark.parametrize(
    ("limit", "pinned", "kept", "dropped"),
    [
        (3, None, "abc", ""),
        (2, None, "ab", "c"),
        (0, None, "", "abc"),
        (2, "c", "ac", "b"),
        (0, "c", "c", "ab"),
        (1, "a", "a", "bc"),
    ],
)
def test_a_history_is_cut_from_its_old_end(limit: int, pinned: str | None, kept: str, dropped: str) -> None:
    cut = pruned(tuple(entry(data_digest) for data_digest in "abc"), limit=limit, pinned=pinned)
    assert "".join(one.data_digest for one in cut.history) == kept
    assert "".join(one.data_digest for one in cut.spare) == dropped
