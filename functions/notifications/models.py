"""A notification, whose it is, and the name it goes by."""

import base64
import binascii
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from notifications.errors import AttemptUnderWay, OutcomeUnknown
from shared.contracts.erasure import ERASED
from shared.contracts.events import Event, EventType
from shared.web.fields import Time

type Channel = Literal["email"]
type Status = Literal["pending", "sent", "failed"]

# What concerns the shop and not one customer: all admins share it, as they share one address.
ADMINS = "ADMINS"

_LONGEST_ID = 512
# Attempts at sending without an answer: each may be an e-mail.
MOST_ATTEMPTS = 2
# For so long after the last of them no delivery makes another attempt: it is a duplicate, or its dead letter could not be
# written. A later delivery was moved back from the dead letters by an operator.
_PARKED = timedelta(hours=1)


@dataclass(frozen=True)
class Claim:
    """The right to send a notification, until its lease ends.

    Args:
        token: unique to this claim.
        attempts: how many attempts at sending are without an answer, this one included.
    """

    token: str
    attempts: int = 1


def next_attempt(made: int, lease_until: datetime, now: datetime) -> int:
    """Which attempt at a pending notification comes next.

    Args:
        made: how many attempts are without an answer.
        lease_until: when the lease of the last attempt ends.

    Raises:
        AttemptUnderWay: the last attempt may not be over.
        OutcomeUnknown: there is no further attempt for now.
    """
    if now < lease_until:
        raise AttemptUnderWay(math.ceil((lease_until - now).total_seconds()))
    if made < MOST_ATTEMPTS:
        return made + 1
    if now < lease_until + _PARKED:
        raise OutcomeUnknown(f"{made} attempts were left without an answer")
    return 1


class Notification(BaseModel):
    """What somebody was told about an event. `body` is the plain text; times are RFC 3339.

    `created_at` is the event's time, so that the order of a list is the order of what happened. `type` is the event's: a later
    release may have written one that this release does not know.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    # Open, so that an item of a later release can be read after a rollback.
    type: Annotated[str, Field(json_schema_extra={"enum": list(get_args(EventType.__value__))})]
    subject: str
    body: str
    channel: Channel
    status: Status
    order_id: str | None = Field(default=None, exclude_if=lambda value: value is None)
    created_at: Time
    read_at: Time | None = Field(default=None, exclude_if=lambda value: value is None)

    def erased(self) -> "Notification":
        """The same without what it said: that was for one person, by name."""
        return self.model_copy(update={"subject": ERASED, "body": ERASED})

    @property
    def position(self) -> str:
        """Where it stands in its mailbox: positions sort as the events' times."""
        found = position(self.id)
        assert found is not None, "ids are made by notification_id"
        return found


def mailbox(user_id: str) -> str:
    """Where a user's notifications are kept."""
    return f"USER#{user_id}"


def notification_id(fact: Event, channel: Channel) -> str:
    """The id of the one notification that an event causes on a channel.

    It is made of the event and nothing else, so that every delivery of the event names the same notification.
    """
    place = f"{fact.at}#{fact.id}#{channel}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def position(id_: str) -> str | None:
    """What `notification_id` made the id of; None where it did not make it."""
    if len(id_) > _LONGEST_ID:
        return None
    try:
        decoded = base64.b64decode(id_ + "=" * (-len(id_) % 4), b"-_", validate=True)
        return decoded.decode() or None
    except (binascii.Error, ValueError):
        return None
