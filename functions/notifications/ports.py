"""What the services need from outside; the repository and the tests' fakes implement it."""

from datetime import datetime, timedelta
from typing import Protocol

from notifications.models import Claim, Notification
from shared.calls.deadline import Deadline


class NotificationRepository(Protocol):
    """Keeps notifications by mailbox and position."""

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> Claim | None:
        """Keep a pending notification and win the right to send it, for the length of the lease. The attempt counts as
        unanswered until the claim is released or the notification is settled.

        None where it was sent, or failed for good, before.

        Raises:
            AttemptUnderWay: another delivery has the right at this moment.
            OutcomeUnknown: so many attempts are unanswered already, the last of them within the hour.
            RecipientErased: the mailbox has been erased. The notification is kept as it is, to be kept otherwise.
        """

    def release(self, mailbox: str, position: str, claim: Claim, *, at: datetime) -> None:
        """End a claim under which nothing was sent: its attempt does not count, and the next delivery may claim at once."""

    def keep(self, mailbox: str, notification: Notification) -> None:
        """Keep a pending notification that is not sent, also in the place of one that is pending."""

    def erase(self, mailbox: str, *, at: datetime, deadline: Deadline) -> tuple[int, bool]:
        """Close a mailbox to later notifications, and overwrite the texts of those in it, until the deadline. Return how many were
        overwritten now, and whether none is left."""

    def settle_sent(self, mailbox: str, position: str, *, message_id: str, at: datetime) -> None:
        """A claimed notification was taken by the provider, under the provider's own id."""

    def settle_failed(self, mailbox: str, position: str, *, reason: str, at: datetime) -> None:
        """A claimed notification was refused for good."""

    def newest_first(
        self, mailbox: str, *, unread: bool | None, before: str | None, limit: int
    ) -> list[Notification]:
        """At most `limit` of a mailbox, from before a position; all of them or those (un)read."""

    def mark_read(self, mailbox: str, position: str, *, at: datetime) -> Notification | None:
        """The notification, read now or earlier; None where the mailbox has no such one."""

    def totals(self) -> dict[str, int]:
        """How many were sent and how many failed, ever."""
