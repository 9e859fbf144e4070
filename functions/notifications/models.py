"""A notification, its mailbox, and the claims of those who send it."""

import base64
import binascii
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from notifications.errors import AttemptUnderWay, OutcomeUnknown
from shared.contracts.events import Event
from shared.personal import Personal, erase_personal

type NotificationType = Literal[
    "user.registered",
    "user.email_requested",
    "order.placed",
    "order.confirmed",
    "order.cancelled",
    "order.shipped",
    "order.delivered",
    "order.refunded",
    "order.refund_failed",
    "order.return_requested",
    "order.return_approved",
    "order.return_refused",
    "payment.reported",
    "product.low_stock",
]
"""The types of the events that make a notification."""

type Channel = Literal["email", "inbox"]
"""What is only in the inbox is sent at once: the customer finds it in the list."""

type Status = Literal["pending", "sent", "failed"]

ADMINS: Final = "ADMINS"
"""The mailbox that all admins share, for what concerns the shop and no single customer."""

MAX_ATTEMPTS: Final = 2
"""Attempts at sending that get no response; each may be an e-mail."""

_MAX_ID_LENGTH: Final = 512
# How long after the last attempt no delivery makes another one: until then it is a duplicate, or
# its dead letter could not be written. Later an operator has moved the message back to the queue.
_PARKED: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Notification:
    """A message to a customer or to the admins about an event. Times are RFC 3339.

    Attributes:
        type: the event's type; a later release may have stored one that this release does not know.
        body: the plain text.
        created_at: the time of the event, so that a list has the order of what happened.
    """

    id: str
    type: str
    subject: Annotated[str, Personal]
    body: Annotated[str, Personal]
    channel: Channel
    status: Status
    created_at: str
    order_id: str | None = None
    read_at: str | None = None

    @property
    def position(self) -> str:
        """Its position in its mailbox; positions sort as the times of the events, or their days."""
        found = position(self.id)
        assert found is not None, "ids are made by notification_id"
        return found

    def erased(self) -> Self:
        """The notification without its text, which is personal."""
        return erase_personal(self, user_id="")


def mailbox(user_id: str) -> str:
    """The mailbox of a user's notifications."""
    return f"USER#{user_id}"


def unlisted_mailbox(user_id: str) -> str:
    """The mailbox of notifications about a user's account that the user may not see."""
    return f"USER#{user_id}#UNLISTED"


def notification_id(event: Event) -> str:
    """The id of the one notification of an event, whether it is mailed or not.

    It is made only of the event, so every delivery of the event names the same notification. All
    events of a day (UTC) about one product that runs low share it: orders that come to nothing can
    have a product run low any number of times.
    """
    text = f"{event.at}#{event.id}#email"
    if event.type == "product.low_stock":
        text = f"{event.at[:10]}#{event.aggregate_id}#email"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(id_: str) -> str | None:
    """The text that `notification_id` encoded as the id; None if the id is malformed."""
    if len(id_) > _MAX_ID_LENGTH:
        return None
    try:
        decoded = base64.b64decode(id_ + "=" * (-len(id_) % 4), b"-_", validate=True)
        return decoded.decode() or None
    except (binascii.Error, ValueError):
        return None


@dataclass(frozen=True)
class Claim:
    """The right to send a notification, until its lease ends.

    Attributes:
        token: unique to this claim.
        attempts: the number of attempts at sending without a response, this one included.
    """

    token: str
    attempts: int = 1


def next_attempt(made: int, lease_until: datetime, now: datetime) -> int:
    """The number of the next attempt at a pending notification.

    Args:
        made: the number of attempts without a response.
        lease_until: when the lease of the last attempt ends.

    Raises:
        AttemptUnderWay: the last attempt may not be over.
        OutcomeUnknown: no further attempt is allowed for now.
    """
    if now < lease_until:
        raise AttemptUnderWay(math.ceil((lease_until - now).total_seconds()))
    if made < MAX_ATTEMPTS:
        return made + 1
    if now < lease_until + _PARKED:
        raise OutcomeUnknown(f"{made} attempts were left without an answer")
    return 1
