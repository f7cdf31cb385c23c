"""Which replica polls which source."""
