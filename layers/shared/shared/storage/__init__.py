"""DynamoDB as the repositories use it."""
