"""The baselines for the operator: the same calls, and nothing else."""
