"""Commands to ProductsInventory: price and hold stock for an order, then confirm it or give it
back.

All are idempotent by the order's id: a second `reserve` gives the first one's prices again, a
second `confirm` or `release` does nothing. A `release` that comes first leaves a tombstone, and a
`reserve` after it is refused. `give_back` is idempotent by its own key.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import BodegaError, Conflict


class OutOfStock(Conflict):
    """Less is available than was requested."""

    code, title = "out-of-stock", "There is not enough in stock"
    members: ClassVar = {
        "product_id": {"type": "string"},
        "requested": {"type": "integer", "minimum": 1},
        "available": {"type": "integer", "minimum": 0},
    }

    def __init__(self, *, product_id: str, requested: int, available: int) -> None:
        super().__init__(
            f"{requested} wanted, {available} in stock.",
            product_id=product_id,
            requested=requested,
            available=available,
        )


class UnknownProduct(BodegaError):
    """No such product can be ordered."""

    status, code, title = 422, "unknown-product", "There is no such product to order"
    pointer = "#/items"
    members: ClassVar = {"product_id": {"type": "string"}}

    def __init__(self, *, product_id: str) -> None:
        super().__init__("There is no such product to order.", product_id=product_id)


class PriceChanged(Conflict):
    """The lines do not cost what the customer has agreed to."""

    code, title = "price-changed", "The prices have changed"
    members: ClassVar = {"total_amount": {"type": "string", "pattern": r"^\d+\.\d{2}$"}}

    def __init__(self, *, total_amount: str) -> None:
        super().__init__(f"The order costs {total_amount} now.", total_amount=total_amount)


class ReservationEnded(Conflict):
    """The order's reservation was released already (or has expired): it cannot be held or confirmed
    any more."""

    code, title = "reservation-ended", "The reservation has ended"


class Line(BaseModel):
    """So many of a product."""

    model_config = ConfigDict(frozen=True)

    product_id: str
    quantity: int = Field(ge=1, le=1000)


class PricedLine(BaseModel):
    """A line at the price of the moment it was held, in minor units."""

    model_config = ConfigDict(frozen=True)

    product_id: str
    name: str
    quantity: int
    unit_price_minor: int

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor


class Reserve(BaseModel):
    """The command `reserve`: all lines or nothing; answer: `Reservation`.

    Refusals: `OutOfStock`, `UnknownProduct`, `PriceChanged`, `ReservationEnded`.
    """

    order_id: str
    lines: list[Line] = Field(min_length=1, max_length=50)
    expected_total_minor: int | None = None


class Reservation(BaseModel):
    """What is held for an order. `held_seconds_ago` is how long ago an earlier command held it,
    None where this one did."""

    order_id: str
    lines: list[PricedLine]
    currency: str
    held_seconds_ago: int | None = None


class Confirm(BaseModel):
    """The command `confirm`: what was held is sold; answer: `Done`. Refusal: `ReservationEnded`."""

    order_id: str


class Release(BaseModel):
    """The command `release`: what was held or sold is available again; answer: `Done`. Never
    refused."""

    order_id: str


class GiveBack(BaseModel):
    """The command `give_back`: some of the order's units are available again, once for each `key`;
    answer: `Done`. Never refused: units that the order does not have any more are left out, and a
    `release` after it makes only the rest available."""

    order_id: str
    key: str
    lines: list[Line] = Field(min_length=1, max_length=50)


class Done(BaseModel):
    """It is so now, whether by this call or by an earlier one."""


REFUSALS = (OutOfStock, UnknownProduct, PriceChanged, ReservationEnded)
