"""Processes, and the connections between them."""
