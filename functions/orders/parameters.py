"""Parameters that routes of orders and of what belongs to them share."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header, Path

from orders.errors import IdempotencyKeyRequired
from shared.web.fields import IDEMPOTENCY_KEY_PATTERN

KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "New for each order or refund, the same for a retry.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": IDEMPOTENCY_KEY_PATTERN,
    },
}


async def _idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", include_in_schema=False),
    ] = None,
) -> str:
    # Optional for FastAPI, so that a missing key is a separate 400 and not a 422 among those of
    # the body; the API's document says "required".
    key = (idempotency_key or "").strip()
    if not re.fullmatch(IDEMPOTENCY_KEY_PATTERN, key):
        raise IdempotencyKeyRequired
    return key


IdempotencyKey = Annotated[str, Depends(_idempotency_key)]
OrderId = Annotated[str, Path(alias="id", description="The order's id.")]

NOT_FOUND: Final = "it does not exist, or is another customer's"
