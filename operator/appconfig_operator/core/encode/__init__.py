"""Documents as text, one module a format. The same document always gives the same bytes."""
