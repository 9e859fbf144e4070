"""A shop under load."""

from tests.outages.load import load

__all__ = ["load"]
