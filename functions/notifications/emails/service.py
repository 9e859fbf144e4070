"""Each event makes one notification, and at most one e-mail, however often it is delivered."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from notifications.emails.models import Email
from notifications.emails.ports import (
    EmailBlocked,
    EmailRefused,
    EmailSender,
    EmailUnanswered,
    EmailUnavailable,
    Links,
)
from notifications.emails.templates import compose
from notifications.errors import AttemptUnderWay, OutcomeUnknown, RecipientErased
from notifications.models import (
    ADMINS,
    MAX_ATTEMPTS,
    Claim,
    Notification,
    mailbox,
    notification_id,
    unlisted_mailbox,
)
from notifications.ports import Notifications
from shared.calls.deadline import Deadline
from shared.calls.local_circuit import LocalCircuit
from shared.contracts.events import Event, UserErasedData
from shared.messaging.redelivery import RetryLater
from shared.personal import is_erased_email
from shared.runtime import logging, metrics, steps
from shared.runtime.clock import Clock, now

# An order is mostly confirmed within seconds: one e-mail is enough then. The event of an order that
# has not come so far is published again after this time and a few seconds, by which clocks differ
# (orders.models.FIRST_DUE).
_PROVISIONAL: Final = "order.placed"
_SLOW: Final = timedelta(seconds=45)

# Longer than the worker may run (20 s), so that no worker is still sending when its lease has
# ended. Shorter than the queue's visibility timeout (120 s), so that the delivery after one whose
# worker died may send at once.
_LEASE: Final = timedelta(seconds=60)
# After an attempt without a response, so that a provider that is slow for minutes does not get the
# same e-mail twice.
_UNANSWERED_SECONDS: Final = 900
_PAUSE: Final = timedelta(seconds=30)
_FAILURES: Final = 3
# Of the worker's 20 s. The next delivery erases the rest of a large mailbox.
_ERASING_SECONDS: Final = 16.0


class Notifier:
    """Notifies customers and admins of events.

    Args:
        admin_email: the address for what concerns the shop and no single customer.
    """

    def __init__(
        self,
        notifications: Notifications,
        sender: EmailSender,
        links: Links,
        *,
        admin_email: str,
        clock: Clock = now,
    ) -> None:
        self._notifications = notifications
        self._sender = sender
        self._links = links
        self._admin_email = admin_email
        self._clock = clock
        self._provider = LocalCircuit(failures=_FAILURES, pause=_PAUSE, now=clock)

    def notify(self, event: Event) -> None:
        """Store and send the event's notification, once; for `user.erased`, erase the mailbox.

        Raises:
            RetryLater: another delivery is sending it (AttemptUnderWay), the provider is down or
                did not respond to the first attempt, or a large mailbox is erased in parts.
            EmailUnavailable: the provider may accept it later.
            EmailBlocked: the provider refuses it until an operator changes the account. The
                notification stays pending.
            OutcomeUnknown: the provider responded to no attempt. The notification stays pending.
        """
        if event.type == "user.erased":
            self._erase(UserErasedData.model_validate(event.data).user_id)
            return
        email = compose(event)
        if email is None:
            logging.logger().debug("no notification for %s", event.type)
            return
        box = _mailbox(email)
        notification = Notification(
            id=notification_id(event),
            type=event.type,
            subject=email.subject,
            body=email.notice or email.text,
            channel="email",
            status="pending",
            order_id=email.order_id,
            created_at=event.at,
        )
        # The event itself may have been erased before it was published.
        if email.recipient and is_erased_email(email.recipient.email):
            self._fail_erased(box, notification)
            return
        try:
            if event.type == _PROVISIONAL and not self._is_mailed(box, notification):
                return
            if self._provider.is_open:
                metrics.count("EmailsDelayed")
                raise RetryLater(_jittered(_PAUSE))
            claimed_at = self._clock()
            claim = self._notifications.claim(box, notification, now=claimed_at, lease=_LEASE)
        except RecipientErased:
            self._fail_erased(box, notification)
            return
        if claim:
            try:
                email = self._linked(event, email)
                self._hold(claimed_at)
            except Exception:
                self._notifications.release(box, notification.position, claim, at=self._clock())
                raise
            self._send(box, notification.position, email, claim)

    def _linked(self, event: Event, email: Email) -> Email:
        """The e-mail with its link's token decrypted."""
        if email.link is None:
            return email
        return compose(event, url=self._links.url(email.link)) or email

    def _hold(self, claimed_at: datetime) -> None:
        """Hold the worker back if Lambda has suspended it for its lease: another may send too."""
        if self._clock() >= claimed_at + _LEASE:
            raise AttemptUnderWay(_jittered(_LEASE))

    def _is_mailed(self, box: str, notification: Notification) -> bool:
        """Whether a provisional notification is to be mailed: its order is slow, and no later one
        says more. Otherwise it is kept in the inbox.

        Raises:
            RecipientErased: as `Notifications.claim`.
        """
        age = self._clock() - datetime.fromisoformat(notification.created_at)
        if age >= _SLOW:
            found = self._notifications.of_order_since(box, notification)
            if all(one.id == notification.id for one in found):
                return True
        inbox = replace(notification, channel="inbox", status="sent")
        is_kept = self._notifications.keep(box, inbox)
        # A delivery that has begun to mail it finishes that; an early one has not.
        return age >= _SLOW and not is_kept

    def _erase(self, user_id: str) -> None:
        start = self._clock()
        deadline = Deadline(lambda: _ERASING_SECONDS - (self._clock() - start).total_seconds())
        erased, is_done = self._notifications.erase(mailbox(user_id), at=start, deadline=deadline)
        logging.logger().info("erased notifications: %s", erased, extra={"user_id": user_id})
        metrics.count("NotificationsErased", erased)
        if not is_done:
            raise RetryLater(1)

    def _fail_erased(self, box: str, notification: Notification) -> None:
        """Store the notification of an erased user, without text and as failed."""
        self._notifications.store(box, notification.erased())
        self._notifications.mark_failed(
            box, notification.position, reason="erased", at=self._clock()
        )
        metrics.count("NotificationsFailed")

    def _send(self, box: str, position: str, email: Email, claim: Claim) -> None:
        # If this function dies after the provider has accepted the message and before it is marked
        # as sent, the notification stays pending, its lease ends, and the next delivery sends a
        # second e-mail: SES has no idempotency key. Two e-mails are better than none, and `Claim`
        # prevents a third.
        to = email.recipient.email if email.recipient else self._admin_email
        try:
            with steps.timed("send"):
                message_id = self._sender.send(email, to=to)
        except EmailUnanswered as unknown:
            self._provider.failed()
            metrics.count("EmailsDelayed")
            if claim.attempts >= MAX_ATTEMPTS:
                raise OutcomeUnknown(f"{claim.attempts} attempts, the last: {unknown}") from None
            logging.logger().warning("the provider left an e-mail unanswered: %s", unknown)
            raise RetryLater(_UNANSWERED_SECONDS) from None
        except (EmailUnavailable, EmailBlocked) as refusal:
            if isinstance(refusal, EmailUnavailable):
                self._provider.failed()
            else:
                self._provider.succeeded()
            metrics.count("EmailsDelayed")
            self._notifications.release(box, position, claim, at=self._clock())
            raise
        except EmailRefused as refusal:
            self._provider.succeeded()
            logging.logger().warning("the provider refused a notification: %s", refusal)
            self._notifications.mark_failed(box, position, reason=str(refusal), at=self._clock())
            metrics.count("NotificationsFailed")
        else:
            self._provider.succeeded()
            self._notifications.mark_sent(box, position, message_id=message_id, at=self._clock())
            metrics.count("NotificationsSent")


def _mailbox(email: Email) -> str:
    if email.recipient is None:
        return ADMINS
    return (mailbox if email.is_listed else unlisted_mailbox)(email.recipient.user_id)


def _jittered(time: timedelta) -> int:
    """Between one and two times as many seconds, so that waiting messages do not return at once."""
    return int(time.total_seconds() * random.uniform(1, 2))  # noqa: S311  # no secret
