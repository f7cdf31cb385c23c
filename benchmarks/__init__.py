"""Benchmarks: the operator as its own process against a real API server, and figures beside their goals."""
