"""A shop under load."""

from tests.outages.load import load, stripe_load

__all__ = ["load", "stripe_load"]
