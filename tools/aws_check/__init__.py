"""``make aws-check``: how AWS AppConfig answers, without the values."""
