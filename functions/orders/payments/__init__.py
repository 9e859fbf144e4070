"""Payments: the port of a payment provider, and the providers behind it."""
