"""The scenarios. Each returns its observations by name."""
