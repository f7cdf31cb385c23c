"""Makes what a release publishes, and checks that all places name the same version."""
