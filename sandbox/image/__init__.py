"""The operator's image, built here from the Dockerfile as it is, with no container engine and no image registry.

buildah builds it. The base is made of Debian packages and a Python of this machine, and gets the very name that the
Dockerfile asks for.
"""

from sandbox.image.alone import ImageError
from sandbox.image.archive import Archive
from sandbox.image.build import IMAGE, build_image

__all__ = ["IMAGE", "Archive", "ImageError", "build_image"]
