"""Benchmarks: the operator as its own process against a real API server, and its figures compared with goals."""
