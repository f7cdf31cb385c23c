"""The operator's image, built locally from the unmodified Dockerfile, without a container engine or image registry.

buildah builds it. The base consists of Debian packages and a Python from this machine, and gets exactly the name in the
Dockerfile.
"""

from sandbox.image.alone import ImageError
from sandbox.image.archive import Archive
from sandbox.image.build import IMAGE, build_image

__all__ = ["IMAGE", "Archive", "ImageError", "build_image"]
