"""Request and response bodies of the orders API."""

from typing import Annotated, Any, Final, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
)

from orders.models import MAX_QUANTITY, STATUSES, Basket, CancelReason, Order, PaymentAction, Status
from shared.contracts.events import Event, OrderData
from shared.contracts.inventory import Line
from shared.money import MinorUnits, Money
from shared.personal import NotPersonal
from shared.runtime import error_text, logging
from shared.web import texts
from shared.web.fields import RequestBody, ResponseBody, Time, WholeNumber, listed, omitted_if_none
from shared.web.health import Health

_DEFAULT_TOKEN: Final = "tok_ok"  # noqa: S105  # public: the sandbox's
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Text = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_PRINTABLE)]
Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, pattern=texts.NOTE),
    Field(examples=["It arrived broken."]),
]


class OrderItemRequest(RequestBody):
    """A product and how many of it; the price is the shop's."""

    product_id: Annotated[Text, NotPersonal, Field(examples=["5f0e7a1c9d3b4f6e8a2c"])]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, examples=[2]), WholeNumber]


def _quantities(items: list[OrderItemRequest]) -> dict[str, int]:
    """The quantity of each product."""
    quantities: dict[str, int] = {}
    for item in items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return quantities


def _limit_quantities(items: list[OrderItemRequest]) -> list[OrderItemRequest]:
    for product_id, quantity in _quantities(items).items():
        if quantity > MAX_QUANTITY:
            raise ValueError(
                f"at most {MAX_QUANTITY} of one product, not {quantity} of {product_id}"
            )
    return items


Items = Annotated[
    list[OrderItemRequest],
    Field(min_length=1, max_length=50),
    AfterValidator(_limit_quantities),
]


def lines_of(items: list[OrderItemRequest]) -> tuple[Line, ...]:
    """The items with each product once."""
    return tuple(Line(product_id=id_, quantity=n) for id_, n in _quantities(items).items())


def _default_for_null(token: Any) -> Any:
    return _DEFAULT_TOKEN if token is None else token


class OrderRequest(RequestBody):
    """What to order, and the token of what to charge."""

    items: Items
    payment_token: Annotated[
        Text, BeforeValidator(_default_for_null, json_schema_input_type=Text | None)
    ] = Field(default=_DEFAULT_TOKEN, examples=[_DEFAULT_TOKEN])
    expected_total: MinorUnits | None = Field(
        default=None,
        description="What the customer was told that the order costs; with another total, it is "
        "refused with `price-changed`.",
    )

    def basket(self) -> Basket:
        """The order with each product once."""
        return Basket(lines_of(self.items), self.payment_token, self.expected_total)


class ItemResponse(ResponseBody):
    """Units of a product."""

    product_id: str
    quantity: int


class OrderItemResponse(ResponseBody):
    """A line at the price of the moment it was ordered."""

    product_id: str
    name: str
    quantity: int
    unit_price: Money = Field(validation_alias="unit_price_minor")
    line_total: Money = Field(validation_alias="total_minor")


class _OrderFacts(ResponseBody):
    """What a response and an event of the history have in common."""

    user_id: str
    user_name: str
    status: Annotated[str, listed(STATUSES)]
    items: list[OrderItemResponse] = Field(validation_alias="lines")
    total_amount: Money = Field(validation_alias="total_minor")
    currency: str


class OrderResponse(_OrderFacts):
    """An order; `cancel_reason` only where it is cancelled. `refunded_amount` is the sum of its
    refunds that have succeeded; what is given back because it is cancelled is not in it."""

    id: str
    refunded_amount: Money = Field(validation_alias="refunded_minor")
    cancel_reason: Annotated[str, listed(get_args(CancelReason))] | None = omitted_if_none()
    created_at: Time
    updated_at: Time
    version: int


class PaymentActionResponse(ResponseBody):
    """What the customer has to do: the provider's code in the browser takes `client_secret`."""

    status: Annotated[str, listed(["action_required"])]
    client_secret: str
    provider: Annotated[str, listed(["sandbox", "stripe"])]


class OrderDetailResponse(OrderResponse):
    """An order; `payment` only for its customer, while the customer has to act for it."""

    payment: PaymentActionResponse | None = omitted_if_none()

    @classmethod
    def with_action(cls, order: Order, action: PaymentAction | None) -> Self:
        payment = action and PaymentActionResponse(
            status="action_required", client_secret=action.client_secret, provider=action.provider
        )
        return cls.of(order).model_copy(update={"payment": payment})


class OrderListResponse(BaseModel):
    """A page of orders, newest first."""

    orders: list[OrderResponse]
    count: int
    next_cursor: str | None


class OrderEventData(_OrderFacts):
    """The order as it was after an event, as its customer may see it."""

    order_id: str
    # A later release may have further reasons.
    cancel_reason: str | None = omitted_if_none()
    refund_id: str | None = omitted_if_none()
    refund_amount: Money | None = omitted_if_none()
    return_id: str | None = omitted_if_none()


class _HistoryData(OrderData):
    """What the history shows of an event's data, of any type."""

    return_id: str | None = None
    refund_id: str | None = None
    refund_amount: int | None = Field(default=None, validation_alias="refund_minor")


class OrderEventResponse(BaseModel):
    """An event of an order; `version` is the order's after it. Releases may add types."""

    type: str
    at: Time
    version: int
    data: OrderEventData

    @classmethod
    def of(cls, event: Event) -> Self | None:
        """The event; None for an event of a later release whose data this release cannot show."""
        try:
            data = _HistoryData.model_validate(event.data)
        except ValidationError as cause:
            logging.logger().warning("left out of the history: %s", error_text.describe(cause))
            return None
        return cls(
            type=event.type, at=event.at, version=event.version, data=OrderEventData.of(data)
        )


class OrderHistoryResponse(BaseModel):
    """A page of an order's events, oldest first."""

    events: list[OrderEventResponse]
    count: int
    next_cursor: str | None


class OrdersHealth(Health):
    """How many orders there are, and how many in each status. Of more than 1,000 pending orders
    1,000 count."""

    total: int | None = omitted_if_none()
    by_status: dict[Status, int] | None = omitted_if_none()
