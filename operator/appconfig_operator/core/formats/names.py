"""From the place of a value in a document to its name in a format: a key, a variable, a property."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import EnvVarCase
from appconfig_operator.core.formats.document import invalid, pointer, shown

if TYPE_CHECKING:
    from appconfig_operator.core.formats.document import Path

MAX_KEY = 253
"""Characters in a key of a ConfigMap."""

PREFIX = "spec.target.prefix"

_ENTRY_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_NOT_IN_VARIABLES = re.compile(r"[^A-Z0-9_]")
_LOWER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")

_VARIABLE = re.compile(r"[a-zA-Z_][-._a-zA-Z0-9]*")
"""The names that every kubelet accepts from `envFrom`. Up to Kubernetes 1.29, it skips those that `IsEnvVarName`
refuses; since 1.30, it accepts every key of a ConfigMap: `makeEnvironmentVariables` in pkg/kubelet/kubelet_pods.go."""

_SURROUNDINGS = {"PATH", "HOME", "HOSTNAME"}
"""Set by the container runtime. Without the first, no program is found; with the second, programs find their files; the
third is the name of the Pod."""

_SHELL = {"PWD", "OLDPWD", "SHLVL", "_", "BASH_ENV", "BASHOPTS", "SHELLOPTS"}
"""Shells set or change the first four, so the value may be lost. The others change what bash does or runs."""

_LOADER = {
    *("LD_ASSUME_KERNEL", "LD_AUDIT", "LD_BIND_NOT", "LD_BIND_NOW", "LD_DEBUG", "LD_DEBUG_OUTPUT", "LD_DYNAMIC_WEAK"),
    *("LD_HWCAP_MASK", "LD_LIBRARY_PATH", "LD_ORIGIN_PATH", "LD_POINTER_GUARD", "LD_PREFER_MAP_32BIT_EXEC"),
    *("LD_PRELOAD", "LD_PROFILE", "LD_PROFILE_OUTPUT", "LD_SHOW_AUXV", "LD_TRACE_LOADED_OBJECTS"),
    *("LD_TRACE_PRELINKING", "LD_USE_LOAD_BIAS", "LD_VERBOSE", "LD_WARN", "GCONV_PATH", "GLIBC_TUNABLES"),
}
"""Read by the dynamic loader before a program starts: ld.so(8). Not all of `LD_`, which others use too."""

_WINDOWS = {"COMSPEC", "PATHEXT", "SYSTEMROOT", "WINDIR"}
"""Without these, programs on Windows do not start. Names are case-insensitive there."""

_KUBERNETES = re.compile(r"KUBERNETES_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_TCP(_(ADDR|PORT|PROTO))?)?)")
"""Set by the kubelet, unless `envFrom` has them. Clients send the token of the ServiceAccount to this address."""

RESERVED = frozenset(_SURROUNDINGS | _SHELL | _LOADER | _WINDOWS)


@dataclass(frozen=True, slots=True)
class Naming:
    """How to form names.

    Attributes
    ----------
    separator
        Goes between the parts.
    prefix
        Goes before the first part, unchanged.
    case
        The case of environment variables.
    """

    separator: str
    prefix: str = ""
    case: EnvVarCase = EnvVarCase.UPPER

    def entry(self, path: Path) -> str:
        """Return the key of a ConfigMap. Raises `ContentError` if there is no valid one."""
        key = self._joined(path)
        if len(key) > MAX_KEY or not _ENTRY_KEY.fullmatch(key) or key == "." or key.startswith(".."):
            raise invalid(
                f"{pointer(path)} cannot be a key of a ConfigMap: a key has 1 to {MAX_KEY} letters, digits, "
                f'"-", "_" and ".", {self._counted()}and does not start with "..".'
            )
        return key

    def variable(self, path: Path) -> str:
        """Return the name of an environment variable. Raises `ContentError` if there is no valid one.

        Only ASCII letters are converted to upper case: the name must not depend on a version of Unicode.
        """
        preserve = self.case is EnvVarCase.PRESERVE
        name = self._joined(path) if preserve else _NOT_IN_VARIABLES.sub("_", self._joined(path).translate(_LOWER))
        if len(name) > MAX_KEY or not _VARIABLE.fullmatch(name):
            raise invalid(f"{pointer(path)} cannot be an environment variable: {self._variable_rule(name)}")
        if name.upper() in RESERVED or _KUBERNETES.fullmatch(name.upper()):
            raise invalid(
                f"{pointer(path)} would become the environment variable {shown(name)}, which belongs to the process "
                f"itself or to its shell, loader or runtime. Set {PREFIX}, for example APP_, or rename the member."
            )
        return name

    def property(self, path: Path) -> str:
        """Return the name of a property, lists as Spring reads them. Raises `ContentError` if there is no valid one."""
        name = self.prefix + "".join(
            f"[{part}]" if isinstance(part, int) else (self.separator if position else "") + part
            for position, part in enumerate(path)
        )
        if not 1 <= len(name) <= MAX_KEY:
            raise invalid(
                f"{pointer(path)} cannot be the name of a property: a name has 1 to {MAX_KEY} characters"
                f"{', including the prefix' if self.prefix else ''}."
            )
        return name

    def _joined(self, path: Path) -> str:
        return self.prefix + self.separator.join(map(str, path))

    def _counted(self) -> str:
        return "including the prefix, " if self.prefix else ""

    def _variable_rule(self, name: str) -> str:
        """Say what a name must look like, and how to fix this one."""
        preserve = self.case is EnvVarCase.PRESERVE
        if preserve:
            rule = (
                f'with envVarCase: Preserve a name has 1 to {MAX_KEY} letters, digits, "_", "-" and ".", '
                f'{self._counted()}and starts with a letter or "_".'
            )
        else:
            rule = f"a name has 1 to {MAX_KEY} characters, {self._counted()}and does not start with a digit."
        if len(name) > MAX_KEY:
            return f"{rule} Shorten the names in it{f', or {PREFIX}' if self.prefix else ''}."
        if preserve:
            return f'{rule} For .NET, write a name that contains ":" as nested objects, which .NET reads the same way.'
        return f"{rule} {'Set' if name else 'Rename the member, or set'} {PREFIX}, for example APP_."
