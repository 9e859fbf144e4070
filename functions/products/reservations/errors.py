"""What can be wrong with reservations."""

from shared.errors import OwnError


class StockMismatch(OwnError):
    """A product has fewer taken units than its reservations say. An operator must look at it."""
