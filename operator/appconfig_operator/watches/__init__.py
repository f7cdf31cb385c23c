"""What the API server reports: sources, and the ConfigMaps of sources."""
