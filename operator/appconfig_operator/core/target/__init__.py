"""What is written to the ConfigMap, and what becomes of what was written before."""
