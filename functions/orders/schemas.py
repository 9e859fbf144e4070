"""What travels over HTTP: requests as they are checked, answers as the contract has them."""

from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from orders.models import LARGEST_QUANTITY, Basket, CancelReason, Order, Status
from shared.contracts.events import Event, OrderData
from shared.contracts.inventory import Line, PricedLine
from shared.money import MinorUnits
from shared.runtime import error_text, logging
from shared.web.fields import Time, WholeNumber
from shared.web.health import Health

_USUAL_TOKEN: Final = "tok_ok"  # noqa: S105  # for everybody to know
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Text = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_PRINTABLE)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RequestedItem(_Request):
    """So many of a product; its price is the shop's to say."""

    product_id: Annotated[Text, Field(examples=["5f0e7a1c9d3b4f6e8a2c"])]
    quantity: Annotated[int, Field(ge=1, le=LARGEST_QUANTITY, examples=[2]), WholeNumber]


def _or_the_usual(token: Any) -> Any:
    """Null says the same as leaving the field out."""
    return _USUAL_TOKEN if token is None else token


class OrderRequest(_Request):
    """What to order, and the token of what to charge."""

    items: list[RequestedItem] = Field(min_length=1, max_length=50)
    payment_token: Annotated[Text, BeforeValidator(_or_the_usual)] = Field(
        default=_USUAL_TOKEN, examples=[_USUAL_TOKEN]
    )

    @field_validator("items")
    @classmethod
    def _together_within_limits(cls, items: list[RequestedItem]) -> list[RequestedItem]:
        for product_id, quantity in _by_product(items).items():
            if quantity > LARGEST_QUANTITY:
                raise ValueError(
                    f"at most {LARGEST_QUANTITY} of one product, not {quantity} of {product_id}"
                )
        return items

    def basket(self) -> Basket:
        """The same with each product once."""
        return Basket(
            tuple(
                Line(product_id=product_id, quantity=quantity)
                for product_id, quantity in _by_product(self.items).items()
            ),
            self.payment_token,
        )


def _by_product(items: list[RequestedItem]) -> dict[str, int]:
    quantities: dict[str, int] = {}
    for item in items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return quantities


def _is_none(value: object) -> bool:
    return value is None


# A member that is not there, instead of a null.
WhereCancelled = Annotated[CancelReason | None, Field(exclude_if=_is_none)]


class OrderedItem(BaseModel):
    """A line at the price of the moment it was ordered."""

    product_id: str
    name: str
    quantity: int
    unit_price: MinorUnits
    line_total: MinorUnits

    @staticmethod
    def of(line: PricedLine) -> "OrderedItem":
        return OrderedItem.model_construct(
            product_id=line.product_id,
            name=line.name,
            quantity=line.quantity,
            unit_price=line.unit_price_minor,
            line_total=line.total_minor,
        )


class OrderAnswer(BaseModel):
    """An order; `cancel_reason` only where it is cancelled."""

    id: str
    user_id: str
    user_name: str
    status: Status
    items: list[OrderedItem]
    total_amount: MinorUnits
    currency: str
    cancel_reason: WhereCancelled = None
    created_at: Time
    updated_at: Time
    version: int

    @staticmethod
    def of(order: Order) -> "OrderAnswer":
        return OrderAnswer.model_construct(
            id=order.id,
            user_id=order.user_id,
            user_name=order.user_name,
            status=order.status,
            items=[OrderedItem.of(line) for line in order.lines],
            total_amount=order.total_minor,
            currency=order.currency,
            cancel_reason=order.cancel_reason,
            created_at=order.created_at,
            updated_at=order.updated_at,
            version=order.version,
        )


class OrderList(BaseModel):
    """A page of orders, newest first."""

    orders: list[OrderAnswer]
    count: int
    next_cursor: str | None


class OrderFacts(BaseModel):
    """The order as it was after an event, as its customer may see it."""

    order_id: str
    user_id: str
    user_name: str
    status: Status
    items: list[OrderedItem]
    total_amount: MinorUnits
    currency: str
    cancel_reason: Annotated[str | None, Field(exclude_if=_is_none)] = None


class OrderEvent(BaseModel):
    """One thing that happened to an order; `version` is the order's after it. Releases may add types."""

    type: str
    at: Time
    version: int
    data: OrderFacts

    @staticmethod
    def of(event: Event) -> "OrderEvent | None":
        """What a client is shown; None for an event of a later release whose data is not what this one shows."""
        try:
            told = OrderData.model_validate(event.data)
        except ValidationError as cause:
            logging.logger().warning("left out of the history: %s", error_text.describe(cause))
            return None
        facts = OrderFacts.model_construct(
            order_id=told.order_id,
            user_id=told.user_id,
            user_name=told.user_name,
            status=told.status,
            items=[OrderedItem.of(line) for line in told.lines],
            total_amount=told.total_minor,
            currency=told.currency,
            cancel_reason=told.cancel_reason,
        )
        return OrderEvent.model_construct(
            type=event.type, at=event.at, version=event.version, data=facts
        )


class History(BaseModel):
    """A page of what happened to an order, oldest first."""

    events: list[OrderEvent]
    count: int
    next_cursor: str | None


class OrdersHealth(Health):
    """How many orders there are, and how many in each status."""

    total: int | None = None
    by_status: dict[Status, int] | None = None
