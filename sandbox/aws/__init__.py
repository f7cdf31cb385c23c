"""An AWS AppConfig on this machine."""
