"""Notifications as the API shows them."""

from pydantic import BaseModel

from notifications.models import Notification
from shared.web import health


class NotificationList(BaseModel):
    """One page; `count` is the number in it."""

    notifications: list[Notification]
    count: int
    next_cursor: str | None


class NotificationsHealth(health.Health):
    """How many notifications were sent, and how many could not be."""

    sent: int | None = None
    failed: int | None = None
