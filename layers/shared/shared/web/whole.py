"""Whole numbers in bodies: `2`, and `2.0` and `2e0` too, which JSON Schema takes for the same."""

from decimal import Decimal
from typing import Any

from pydantic import BeforeValidator

# No whole number of the API is as long; a power of ten may be written in a few characters and fill the memory.
_MOST_DIGITS = 20


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MOST_DIGITS:
        return int(value) if value == value.to_integral_value() else value
    return value


Whole = BeforeValidator(_whole)
"""Of a pydantic field that is an int, behind its limits: also where texts are not to be taken for numbers."""
