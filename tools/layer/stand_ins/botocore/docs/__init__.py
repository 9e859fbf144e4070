"""The SDK's reference manual is written from here, and half of it is imported for a helper that lies beside it."""
