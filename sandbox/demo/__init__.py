"""The demo: the operator at work on real servers, step by step."""
