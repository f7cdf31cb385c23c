"""Makes the files of a release, and checks that all places name the same version."""
