"""What the operator is measured against: the same calls, and nothing around them."""
