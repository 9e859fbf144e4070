"""Request and response bodies of returns."""

from typing import Annotated

from pydantic import BaseModel, Field

from orders.returns.models import STATUSES, ReturnRequest
from orders.schemas import ItemResponse, Items, Note, lines_of
from shared.personal import NotPersonal
from shared.web.fields import RequestBody, ResponseBody, Time, listed, omitted_if_none


class ReturnBody(RequestBody):
    """What to send back, and why."""

    items: Items
    reason: Note

    def request(self) -> ReturnRequest:
        """The request with each product once."""
        return ReturnRequest(lines_of(self.items), self.reason)


class RefusalBody(RequestBody):
    """Why a return is refused; the customer reads it."""

    text: Annotated[Note, NotPersonal]


class ReturnResponse(ResponseBody):
    """A return; `refusal` where it was refused, `refund_id` where it was received."""

    id: str
    order_id: str
    status: Annotated[str, listed(STATUSES)]
    items: list[ItemResponse] = Field(validation_alias="lines")
    reason: str
    refusal: str | None = omitted_if_none()
    refund_id: str | None = omitted_if_none()
    created_at: Time
    updated_at: Time


class ReturnListResponse(BaseModel):
    """A page of an order's returns, newest first."""

    returns: list[ReturnResponse]
    count: int
    next_cursor: str | None
