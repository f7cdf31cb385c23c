"""What is known of one source between two polls: `SourceState`, and the parts of it."""
