"""What is run and watched. Each gives observations: what was seen, by name."""
