"""Amazon Ion, as AppConfig sends multi-variant feature flags."""
