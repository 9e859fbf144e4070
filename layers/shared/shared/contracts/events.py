"""Events: facts that happened, as stored in the outbox and sent to topics and queues."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.inventory import PricedLine

# Data of persons: an error about an event must not show it in a log.
_FROZEN = ConfigDict(
    frozen=True,
    hide_input_in_errors=True,
    # In the AsyncAPI document: what has a default is sent all the same.
    json_schema_serialization_defaults_required=True,
)

type EventType = Literal[
    "user.registered",
    "user.deactivated",
    "user.erased",
    "user.email_requested",
    "order.placed",
    "order.confirmed",
    "order.cancelled",
    "order.shipped",
    "order.delivered",
    "order.refund_requested",
    "order.refunded",
    "order.refund_failed",
    "order.return_requested",
    "order.return_approved",
    "order.return_refused",
    "order.return_received",
    "payment.reported",
    "product.low_stock",
]

AccountEmail = Literal["confirm", "change", "taken", "reset", "changed"]
"""Why it is sent: to confirm the account's address again, to confirm its new address, because
another account asked for this address, to reset the password, or because the account has left this
address."""

OrderStatus = Literal["pending", "confirmed", "shipped", "delivered", "cancelled"]

# Rises with a change that a reader of the previous version misreads: docs/evolving.md.
SCHEMA_VERSION: Final = 1

# The attribute of each message on a topic that has the event's type: subscriptions filter by it.
TYPE_ATTRIBUTE: Final = "type"


class Event(BaseModel):
    """One fact about one aggregate (a user, an order, a product).

    `version` is the aggregate's after the change; an aggregate and a version name one event, so its
    id is made of them. `at` is RFC 3339. `data` is one of the models below, by type.

    A later release may emit types and members that this one does not know: readers ignore them. An
    event of a later `schema_version` is not valid here.
    """

    model_config = _FROZEN

    id: str
    # Open, but limited to a name: it is logged, and logs hold no personal data.
    type: str = Field(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=64)
    aggregate_id: str
    version: int
    at: str = Field(json_schema_extra={"format": "date-time"})
    request_id: str
    data: dict[str, Any]
    schema_version: int = Field(default=SCHEMA_VERSION, le=SCHEMA_VERSION)


class UserData(BaseModel):
    """The data of `user.registered` and `user.deactivated`.

    `sealed_token` is the token that confirms the address, encrypted: see `AccountEmailData`. An
    account that needs no confirmation has none.
    """

    model_config = _FROZEN

    user_id: str
    full_name: str
    email: str
    sealed_token: str | None = None


class AccountEmailData(BaseModel):
    """The data of `user.email_requested`: an e-mail about the account, to `email`.

    `sealed_token` is the one-time token of the e-mail's link, encrypted by the KMS key MailKey in
    the encryption context `{"user_id": user_id}`, in base64: only the function that writes e-mails
    can read it. None for an e-mail without a link.
    """

    model_config = _FROZEN

    user_id: str
    email: str
    purpose: AccountEmail
    sealed_token: str | None = None


class UserErasedData(BaseModel):
    """The data of `user.erased`: each service overwrites the names and addresses that it keeps of
    this user (`erasure`)."""

    model_config = _FROZEN

    user_id: str


class OrderData(BaseModel):
    """The data of `order.*`: the whole order as it is after the change, and its customer, so that
    no reader calls back.

    An order whose customer was erased has this as well, under `user.erased`, in its history only.
    """

    model_config = _FROZEN

    order_id: str
    user_id: str
    user_name: str
    email: str
    status: OrderStatus
    lines: list[PricedLine]
    total_minor: int
    currency: str
    cancel_reason: str | None = None


class RefundData(OrderData):
    """The data of `order.refund_requested`, `order.refunded` and `order.refund_failed`: the order,
    and one refund of it.

    `refunding_minor` is the sum of the order's refunds that are not finished, `refunded_minor` of
    those that have succeeded.
    """

    refunding_minor: int
    refunded_minor: int
    refund_id: str
    refund_minor: int


class ReturnData(OrderData):
    """The data of `order.return_*`: the order, and one return of it.

    `refusal` is the text for the customer of a return that was refused; a return that was received
    has a refund of `refund_minor`. The others are as in `RefundData`.
    """

    refunding_minor: int
    refunded_minor: int
    return_id: str
    refusal: str | None = None
    refund_id: str | None = None
    refund_minor: int | None = None


class PaymentReportData(BaseModel):
    """The data of `payment.reported`: what the admins have to see to at the payment provider.

    `report` is the provider's type of it, such as `charge.dispute.created`, and `object_id` the
    provider's id of what it is about; `payment_id` is that of its payment, if it has one.
    """

    model_config = _FROZEN

    report: str
    object_id: str
    payment_id: str | None = None


class LowStockData(BaseModel):
    """The data of `product.low_stock`: `available` has just gone below the threshold."""

    model_config = _FROZEN

    product_id: str
    name: str
    available: int
    threshold: int


# The service that publishes the types of each noun, on its own topic.
PUBLISHERS: Final = {
    "user": "users",
    "order": "orders",
    "payment": "orders",
    "product": "products",
}

# The data of each type.
DATA: Final[dict[EventType, type[BaseModel]]] = {
    "user.registered": UserData,
    "user.deactivated": UserData,
    "user.erased": UserErasedData,
    "user.email_requested": AccountEmailData,
    "order.placed": OrderData,
    "order.confirmed": OrderData,
    "order.cancelled": OrderData,
    "order.shipped": OrderData,
    "order.delivered": OrderData,
    "order.refund_requested": RefundData,
    "order.refunded": RefundData,
    "order.refund_failed": RefundData,
    "order.return_requested": ReturnData,
    "order.return_approved": ReturnData,
    "order.return_refused": ReturnData,
    "order.return_received": ReturnData,
    "payment.reported": PaymentReportData,
    "product.low_stock": LowStockData,
}
