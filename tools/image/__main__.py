"""Assembles the root file system; the Dockerfile calls it.

`python3 -m tools.image ROOT VERSION`, after pip has installed the operator below ROOT.
"""

from __future__ import annotations

import compileall
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

from tools.image.debian import describe
from tools.image.libraries import copy_libraries
from tools.image.packages import prune, version_of
from tools.image.python import copy_python
from tools.image.system import write_system


def assemble(root: Path, version: str) -> None:
    """Add everything that the installed packages need to run, and remove what they do not need.

    Parameters
    ----------
    root
        The root of the image.
    version
        The version that its label will have.

    Raises
    ------
    ValueError
        If a different version is installed.
    """
    prefix = Path(sys.prefix)
    standard = Path(*prefix.parts[1:], "lib", f"python{sys.version_info.major}.{sys.version_info.minor}")
    packages = root / standard / "site-packages"
    installed = version_of(packages, "appconfig_operator")
    if installed != version:
        message = f"The wheel has version {installed}, but the label would say {version}: set --build-arg VERSION"
        raise ValueError(message)
    prune(packages, root / Path(*prefix.parts[1:]) / "bin")
    copy_python(prefix, root)
    # Byte-code cannot be written later. Unchecked: it is never compared with the sources, so their dates do not matter.
    mode = PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(
        root / standard, stripdir=root, prependdir="/", workers=0, quiet=1, force=True, invalidation_mode=mode
    ):
        raise ValueError("Not every module could be compiled")
    taken = [*copy_libraries(root), *write_system(root)]
    describe([path for path in taken if not path.is_relative_to(prefix)], root)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]), sys.argv[2])
