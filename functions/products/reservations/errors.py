"""What can be wrong with reservations."""

from shared.errors import OwnError


class BooksBroken(OwnError):
    """A product holds less than its reservations say. Nothing was written, and a person must look at it."""
