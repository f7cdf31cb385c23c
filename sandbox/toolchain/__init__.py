"""Programs that are built for this machine, and cached."""
