"""Request and response bodies of refunds."""

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from orders.refunds.models import STATUSES, RefundRequest
from orders.schemas import ItemResponse, Items, Note, lines_of
from shared.money import MinorUnits, Money
from shared.web.fields import RequestBody, ResponseBody, Time, listed, omitted_if_none, unset


def _positive(amount: int) -> int:
    if amount == 0:
        raise ValueError("must be more than 0")
    return amount


def _one_of_two(schema: dict[str, Any]) -> None:
    """Two whole schemas, as generated clients know no rule about members of a single one."""
    item = {"product_id": "5f0e7a1c9d3b4f6e8a2c", "quantity": 2}
    schema["examples"] = [{"items": [item], "restock": True}]
    members = schema.pop("properties")
    # Of the forms of an amount, those that are 0.
    members["amount"]["not"] = {
        "anyOf": [{"type": "string", "pattern": "^[0.]*$"}, {"type": "number", "maximum": 0}]
    }
    of_items = {name: member for name, member in members.items() if name != "amount"}
    of_amount = {name: member for name, member in members.items() if name != "items"}
    of_amount["restock"] = members["restock"] | {"enum": [False]}
    kind = {"type": schema.pop("type"), "additionalProperties": schema.pop("additionalProperties")}
    schema["oneOf"] = [
        {"title": "RefundOfItems", **kind, "properties": of_items, "required": ["items"]},
        {"title": "RefundOfAmount", **kind, "properties": of_amount, "required": ["amount"]},
    ]


class RefundBody(RequestBody):
    """What to refund: `items` or an `amount`. With `restock` the items are in stock again. With
    `paid_otherwise` the customer gets the money without the payment provider, and the refund is
    only recorded."""

    model_config = ConfigDict(json_schema_extra=_one_of_two)

    items: Items = unset()
    amount: Annotated[MinorUnits, AfterValidator(_positive)] = unset()
    reason: Note = unset()
    restock: bool = False
    paid_otherwise: bool = False

    @model_validator(mode="after")
    def _require_one_of_two(self) -> Self:
        if ("items" in self.model_fields_set) == ("amount" in self.model_fields_set):
            raise ValueError("either items or an amount")
        if self.restock and not self.items:
            raise ValueError("only items can be restocked")
        return self

    def request(self) -> RefundRequest:
        """The request with each product once."""
        lines = lines_of(self.items or [])
        return RefundRequest(lines, self.amount, self.reason, self.restock, self.paid_otherwise)


class RefundResponse(ResponseBody):
    """A refund; `items` unless it is one of an amount, `reason` only to admins."""

    id: str
    order_id: str
    amount: Money = Field(validation_alias="amount_minor")
    currency: str
    status: Annotated[str, listed(STATUSES)]
    items: list[ItemResponse] | None = omitted_if_none()
    reason: str | None = omitted_if_none()
    restock: bool
    paid_otherwise: bool
    created_at: Time


class RefundListResponse(BaseModel):
    """A page of an order's refunds, newest first."""

    refunds: list[RefundResponse]
    count: int
    next_cursor: str | None
