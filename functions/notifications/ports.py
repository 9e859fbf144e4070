"""What the services need from outside; the repository and the tests' fakes implement it."""

from datetime import datetime, timedelta
from typing import Protocol

from notifications.models import Claim, Notification
from shared.calls.deadline import Deadline
from shared.pages import Page


class Notifications(Protocol):
    """Stores notifications by mailbox and position."""

    def keep(self, mailbox: str, notification: Notification) -> bool:
        """Store a notification that is only in the inbox; one that exists stays, unless it is
        pending and no attempt at sending it was made. False if one was, and is to be repeated.

        Raises:
            RecipientErased: as `claim`.
        """

    def of_order_since(self, mailbox: str, notification: Notification) -> list[Notification]:
        """The notification as it is stored, and later ones of its order: those among the next
        hundred of the mailbox."""

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> Claim | None:
        """Store a pending notification and claim the right to send it, for the length of the lease;
        one that was only in the inbox becomes pending.

        The attempt counts as one without a response until the claim is released or the
        notification is marked. None if the notification was sent or failed before.

        Raises:
            AttemptUnderWay: another delivery has the claim now.
            OutcomeUnknown: all attempts were left without a response, the last within the hour.
            RecipientErased: the mailbox is erased. The notification is stored as it is; the caller
                stores it again without its text.
        """

    def release(self, mailbox: str, position: str, claim: Claim, *, at: datetime) -> None:
        """End a claim under which nothing was sent: its attempt does not count."""

    def store(self, mailbox: str, notification: Notification) -> None:
        """Store a pending notification that is not sent, also in the place of one that is pending
        or only in the inbox."""

    def erase(self, mailbox: str, *, at: datetime, deadline: Deadline) -> tuple[int, bool]:
        """Close a mailbox to later notifications, and overwrite the texts in it until the deadline.

        Return how many were overwritten now, and whether none is left.
        """

    def mark_sent(self, mailbox: str, position: str, *, message_id: str, at: datetime) -> None:
        """The provider accepted a claimed notification, under its own `message_id`."""

    def mark_failed(self, mailbox: str, position: str, *, reason: str, at: datetime) -> None:
        """The provider refused a claimed notification for good."""

    def mark_read(self, mailbox: str, position: str, *, at: datetime) -> Notification | None:
        """The notification, read now or earlier; None if the mailbox does not have it."""

    def newest_first(
        self, mailbox: str, *, unread: bool | None, before: str | None, limit: int
    ) -> Page[Notification, str]:
        """At most `limit` of a mailbox, before a position: all, the unread or the read ones.

        The cost has a bound, however many notifications there are: a page may be short.
        """

    def totals(self) -> dict[str, int]:
        """The numbers of all e-mails that were sent (`sent`) and refused (`failed`)."""
