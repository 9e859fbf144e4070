"""Money: a whole number of minor units inside, a decimal string with two places outside, a float nowhere."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_LARGEST = (
    10**12
)  # minor units: far above any price, far below where DynamoDB's numbers lose digits


def to_minor(value: object) -> int:
    """Minor units of `"19.99"`, `19.99` or `20`.

    Raises:
        ValueError: not a number, more than two places, negative, not finite, or absurdly large.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("must be a decimal string or a number")  # noqa: TRY004  # pydantic's word for invalid input
    try:
        # A JSON number reaches us as a float; its shortest text is what the client wrote.
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("must be a decimal number, such as 19.99") from None
    if not amount.is_finite():
        raise ValueError("must be finite")
    if amount.is_signed() and amount != 0:
        raise ValueError("must not be negative")
    if abs(amount.adjusted()) > 20:
        raise ValueError("is too large or too small")
    minor = amount * 100
    if minor != minor.to_integral_value():
        raise ValueError("must have at most two decimal places")
    if minor > _LARGEST:
        raise ValueError("is too large")
    return int(minor)


def to_text(minor: int) -> str:
    """`1999` → `"19.99"`."""
    return f"{minor // 100}.{minor % 100:02d}"


def _validate(value: Any) -> int:
    return to_minor(value)


MinorUnits = Annotated[
    int,
    BeforeValidator(_validate),
    PlainSerializer(to_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+\.\d{2}$", "examples": ["19.99"]}, mode="serialization"
    ),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\d+(\.\d{1,2})?$"},
                {"type": "number", "minimum": 0},
            ],
            "examples": ["19.99"],
        },
        mode="validation",
    ),
]
"""A pydantic field: reads the contract's money into minor units, writes it as a decimal string."""
