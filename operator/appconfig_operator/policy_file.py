"""The policy file on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.policy import PolicyError, parse
from appconfig_operator.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from appconfig_operator.core.policy import Policy


def read_policy(path: Path | None) -> Policy | None:
    """Read the policy file, once: the clearest way to apply a changed file to existing sources is a restart.

    Raises
    ------
    SettingsError
        If it cannot be read, or is not a policy.
    """
    if path is None:
        return None
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"--policy-file {path}: {error.strerror or type(error).__name__}"
        raise SettingsError(message) from error
    except (PolicyError, UnicodeDecodeError) as error:
        words = str(error) if isinstance(error, PolicyError) else "this is not UTF-8"
        message = f"--policy-file {path}: {words}"
        raise SettingsError(message) from error
