"""The bodies of the notifications' responses."""

from typing import Annotated, get_args

from pydantic import BaseModel

from notifications.models import Channel, NotificationType, Status
from shared.web import health
from shared.web.fields import ResponseBody, Time, listed, omitted_if_none


class NotificationResponse(ResponseBody):
    """A message to a customer or to the admins about an event; `body` is plain text."""

    id: str
    type: Annotated[str, listed(get_args(NotificationType.__value__))]
    subject: str
    body: str
    channel: Annotated[str, listed(get_args(Channel.__value__))]
    status: Status
    order_id: str | None = omitted_if_none()
    created_at: Time
    read_at: Time | None = omitted_if_none()


class NotificationListResponse(BaseModel):
    """One page; `count` is the number of notifications on it."""

    notifications: list[NotificationResponse]
    count: int
    next_cursor: str | None


class NotificationsHealth(health.Health):
    """The numbers of e-mails that were sent and that were refused."""

    sent: int | None = omitted_if_none()
    failed: int | None = omitted_if_none()
