"""The keys that sign access tokens: one for each day."""
