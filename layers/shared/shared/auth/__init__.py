"""Access tokens, and who may use which route."""
