"""Reconciliation: whether what the services have stored, and the payment provider, agree."""
