"""Puts the root file system of the operator's image together, inside the build stage of the Dockerfile.

Only Python's own library is used: it runs before anything is installed.
"""
