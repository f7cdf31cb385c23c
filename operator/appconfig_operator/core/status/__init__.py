"""What the status of a source says."""
