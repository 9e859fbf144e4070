"""Fakes of the notifications' ports."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from notifications.emails.models import Email
from notifications.errors import RecipientErased
from notifications.models import Claim, Notification, Status, next_attempt
from shared.calls.deadline import Deadline
from shared.runtime.clock import rfc3339


class InMemoryNotifications:
    """Notifications in memory; one contract suite tests them and DynamoNotifications."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, str], Notification] = {}
        self._claims: dict[tuple[str, str], tuple[Claim, datetime]] = {}
        self._totals = {"sent": 0, "failed": 0}
        self._erased: set[str] = set()

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> Claim | None:
        key = (mailbox, notification.position)
        if self._stored.setdefault(key, notification).status != "pending":
            return None
        if mailbox in self._erased:
            raise RecipientErased
        attempts = 1
        if key in self._claims:
            before, lease_until = self._claims[key]
            attempts = next_attempt(before.attempts, lease_until, now)
        claim = Claim(uuid.uuid4().hex, attempts)
        self._claims[key] = claim, now + lease
        return claim

    def release(self, mailbox: str, position: str, claim: Claim, *, at: datetime) -> None:
        if self._claims[mailbox, position][0] == claim:
            released = replace(claim, attempts=claim.attempts - 1)
            self._claims[mailbox, position] = released, at

    def store(self, mailbox: str, notification: Notification) -> None:
        key = (mailbox, notification.position)
        if key not in self._stored or self._stored[key].status == "pending":
            self._stored[key] = notification

    def erase(self, mailbox: str, *, at: datetime, deadline: Deadline) -> tuple[int, bool]:
        self._erased.add(mailbox)
        own = {key: stored for key, stored in self._stored.items() if key[0] == mailbox}
        erased = {key: found.erased() for key, found in own.items() if found != found.erased()}
        self._stored |= erased
        return len(erased), True

    def mark_sent(self, mailbox: str, position: str, *, message_id: str, at: datetime) -> None:
        self._settle(mailbox, position, "sent")

    def mark_failed(self, mailbox: str, position: str, *, reason: str, at: datetime) -> None:
        self._settle(mailbox, position, "failed")

    def _settle(self, mailbox: str, position: str, status: Status) -> None:
        stored = self._stored[mailbox, position]
        if stored.status == "pending":
            self._stored[mailbox, position] = replace(stored, status=status)
            self._totals[status] += 1

    def mark_read(self, mailbox: str, position: str, *, at: datetime) -> Notification | None:
        stored = self._stored.get((mailbox, position))
        if stored and stored.read_at is None:
            stored = self._stored[mailbox, position] = replace(stored, read_at=rfc3339(at))
        return stored

    def newest_first(
        self, mailbox: str, *, unread: bool | None, before: str | None, limit: int
    ) -> list[Notification]:
        found = [
            notification
            for (box, position), notification in sorted(self._stored.items(), reverse=True)
            if box == mailbox
            and (before is None or position < before)
            and unread in (None, notification.read_at is None)
        ]
        return found[:limit]

    def totals(self) -> dict[str, int]:
        return dict(self._totals)


class FakeEmailSender:
    """Accepts e-mails, or raises `error` if it is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Email]] = []
        self.error: Exception | None = None

    def send(self, email: Email, *, to: str) -> str:
        if self.error:
            raise self.error
        self.sent.append((to, email))
        return f"message-{len(self.sent)}"
