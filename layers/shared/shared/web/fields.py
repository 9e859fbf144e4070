"""Fields that the bodies and headers of several services share."""

from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

IDEMPOTENCY_KEY_PATTERN: Final = "^[!-~]([ -~]{0,253}[!-~])?$"
"""1 to 255 visible ASCII characters, with spaces only between them."""

Time = Annotated[
    str,
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-20T08:30:00.000Z"]),
]
"""RFC 3339 in UTC, a text that `shared.runtime.clock` has made."""

# No number of the API is longer; a power of ten of a few characters could fill the memory.
_MAX_DIGITS: Final = 20


def _whole_number(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MAX_DIGITS:
        return int(value) if value == value.to_integral_value() else value
    return value


WholeNumber = BeforeValidator(_whole_number)
"""Lets a strict int field take `2.0` and `2e0`, which are 2 in JSON Schema; it follows the
field's limits: `Annotated[int, Field(ge=0), WholeNumber]`.
"""
