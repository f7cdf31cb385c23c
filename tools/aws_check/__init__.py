"""``make aws-check``: what AWS AppConfig answers, without what it answers with."""
