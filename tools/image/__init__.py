"""Assembles the root file system of the operator's image, in the build stage of the Dockerfile.

It uses only the standard library, because it runs before anything is installed.
"""
