"""Money: a whole number of minor units inside, a decimal string with two places outside, a float
nowhere.
"""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

# Far above any price, far below where DynamoDB's numbers lose digits.
_LARGEST = Decimal(10**10)
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,2})?")


def to_minor(value: object) -> int:
    """Minor units of `"19.99"`, `19.99` or `20`. Places are counted as they are written: `5.990`
    has three.

    Raises:
        ValueError: not a number, more than two places, negative, not finite, or absurdly large.
    """
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError("must be a decimal number, not negative, of at most two places: 19.99")
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("must be a decimal string or a number")  # noqa: TRY004  # pydantic's word for invalid input
    # A float's shortest text is what the client wrote; Bodega's own routes read Decimals
    # (shared.web.request_body).
    amount = Decimal(str(value))
    if not amount.is_finite():
        raise ValueError("must be finite")
    if amount.is_signed() and amount != 0:
        raise ValueError("must not be negative")
    if amount > _LARGEST:
        raise ValueError("is too large")
    if int(amount.as_tuple().exponent) < -2:
        raise ValueError("must have at most two decimal places")
    return int(amount * 100)


def to_text(minor: int) -> str:
    """`1999` → `"19.99"`."""
    return f"{minor // 100}.{minor % 100:02d}"


Money = Annotated[
    int,
    PlainSerializer(to_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+\.\d{2}$", "examples": ["19.99"]}, mode="serialization"
    ),
]
"""A pydantic field of a response: minor units, written as a decimal string."""

MinorUnits = Annotated[
    Money,
    BeforeValidator(to_minor),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": r"^(0{0,10}[0-9]{1,10}(\.[0-9]{1,2})?|0{0,9}10000000000(\.0{1,2})?)$",  # noqa: E501  # a pattern is read in one piece
                },
                {"type": "number", "minimum": 0, "maximum": int(_LARGEST), "multipleOf": 0.01},
            ],
            "examples": ["19.99"],
        },
        mode="validation",
    ),
]
"""A pydantic field of a request: reads money into minor units, and writes it as `Money` does."""
