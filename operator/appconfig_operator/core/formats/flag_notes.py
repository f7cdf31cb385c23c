"""Facts about the feature flags in a configuration that users need to know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from appconfig_operator.core.errors import ContentError
from appconfig_operator.core.formats.content_type import MediaType, media_type
from appconfig_operator.core.formats.feature_flags import ion_flags
from appconfig_operator.core.formats.variants import NAMED, named, variants, variants_in_json

if TYPE_CHECKING:
    from appconfig_operator.core.formats.content import Content


@dataclass(frozen=True, slots=True)
class FlagsSeen:
    """Feature flags that users need to know about.

    Attributes
    ----------
    variants
        Names of the multi-variant flags, sorted.
    nameless
        The symbol numbers of flags with unknown names, which are left out of everything except the Ion itself.
    """

    variants: tuple[str, ...] = ()
    nameless: tuple[int, ...] = ()


NONE_SEEN = FlagsSeen()


class FlagNews(Enum):
    """What has changed since the last notes."""

    VARIANTS = "variants"
    NAMELESS = "nameless"


def flags_seen(content: Content) -> FlagsSeen:
    """Find such flags. Content that cannot be read has none."""
    if content.may_be_flags:
        return FlagsSeen(variants_in_json(content.body))
    if media_type(content.content_type) is not MediaType.ION_FLAGS:
        return NONE_SEEN
    try:
        flags = ion_flags(content.body)
    except ContentError:
        return NONE_SEEN
    return FlagsSeen(variants(flags.document), flags.nameless)


def news(now: FlagsSeen, *, before: FlagsSeen | None, counted: int, named_before: bool) -> frozenset[FlagNews]:
    """Return what has changed.

    Parameters
    ----------
    now
        The current notes.
    before
        The previous notes, or `None` if they are unknown.
    counted
        The number of multi-variant flags in the status: after a restart, there is nothing else to compare with.
    named_before
        Whether an Event has named the flags that the status counts, as far as is known.
    """
    if before is None:
        variants_differ = len(now.variants) != counted or (bool(now.variants) and not named_before)
    else:
        variants_differ = now.variants != before.variants
    nameless_differ = now.nameless != (() if before is None else before.nameless)
    changed = {FlagNews.VARIANTS: variants_differ, FlagNews.NAMELESS: bool(now.nameless) and nameless_differ}
    return frozenset(one for one, differs in changed.items() if differs)


def variants_note(seen: FlagsSeen) -> str:
    """Say how multi-variant flags are written. Their names come last, because a long note is cut off."""
    if not seen.variants:
        return "No feature flag is multi-variant anymore."
    return f"The default variant of each multi-variant flag is written; no rule is evaluated: {named(seen.variants)}."


def nameless_note(seen: FlagsSeen) -> str:
    """Say which flags are left out, and what to do about them."""
    more = len(seen.nameless) - NAMED
    listed = ", ".join(f"flag with symbol id {symbol}" for symbol in seen.nameless[:NAMED])
    return (
        f"Left out: {listed}{f' and {more:,} more' if more > 0 else ''}. AWS AppConfig sends the name as a symbol that "
        "only AWS knows. Rename the flag."
    )
