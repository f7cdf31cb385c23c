"""The demo: the operator at work on real servers, told step by step."""
