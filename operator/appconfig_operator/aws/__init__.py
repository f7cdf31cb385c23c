"""AWS AppConfig by boto3: who calls, and the rules of a session's tokens."""
