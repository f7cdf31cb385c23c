"""From the bytes of a configuration to the data of a ConfigMap."""
