"""When and how one source is polled."""
