"""Reacts to events: each makes one notification on one channel, however often the event is delivered."""

from datetime import timedelta
from typing import Final

from notifications.email import Mailer
from notifications.errors import AttemptUnderWay, EmailRefused, RecipientErased
from notifications.letters import Letter, Recipient, compose
from notifications.models import ADMINS, Channel, Notification, mailbox, notification_id
from notifications.repository import NotificationRepository
from shared import logging, metrics
from shared.clock import Clock, now
from shared.contracts.erasure import is_erased_email
from shared.contracts.events import Event, UserErasedData

_CHANNEL: Final[Channel] = "email"

# Longer than the worker may run (20 s), so that a lease that has ended belongs to nobody who is still sending.
# Shorter than the queue's visibility time-out (120 s), so that the next delivery of a failed one may send at once.
_LEASE: Final = timedelta(seconds=60)


class Notifier:
    """Tells people of events.

    Args:
        admin_email: the address that hears of what concerns the shop.
    """

    def __init__(
        self,
        notifications: NotificationRepository,
        mailer: Mailer,
        *,
        admin_email: str,
        clock: Clock = now,
    ) -> None:
        self._notifications = notifications
        self._mailer = mailer
        self._admin_email = admin_email
        self._clock = clock

    def notify(self, fact: Event) -> None:
        """Write the event's notification and send it, unless that was done; of `user.erased`, erase that user's mailbox.

        Raises:
            AttemptUnderWay: another delivery is at it; this one must come again, in case that one fails.
            EmailUnavailable: the provider may take it later.
            EmailBlocked: the provider refuses until an operator changes the account. The notification stays pending.
        """
        if fact.type == "user.erased":
            self._erase(UserErasedData.model_validate(fact.data).user_id)
            return
        letter = compose(fact)
        if letter is None:
            logging.logger().debug("nobody is told of %s", fact.type)
            return
        box = _mailbox(letter.recipient)
        notification = Notification(
            id=notification_id(fact, _CHANNEL),
            type=fact.type,
            subject=letter.subject,
            body=letter.text,
            channel=_CHANNEL,
            status="pending",
            order_id=letter.order_id,
            created_at=fact.at,
        )
        # The event itself may be an erased one, that was published late.
        if letter.recipient and is_erased_email(letter.recipient.email):
            self._settle_erased(box, notification)
            return
        claimed_at = self._clock()
        try:
            is_mine = self._notifications.claim(box, notification, now=claimed_at, lease=_LEASE)
        except RecipientErased:
            self._settle_erased(box, notification)
            return
        if is_mine:
            # Whoever stood still at the claim for all that time may not be alone any more.
            if self._clock() > claimed_at + _LEASE:
                raise AttemptUnderWay("the claim ended before anything was sent")
            self._send(box, notification.position, letter)

    def _erase(self, user_id: str) -> None:
        erased = self._notifications.erase(mailbox(user_id), at=self._clock())
        logging.logger().info("erased notifications: %s", erased, extra={"user_id": user_id})
        metrics.count("NotificationsErased", erased)

    def _settle_erased(self, box: str, notification: Notification) -> None:
        """Each event has its notification; this one says nothing, and to nobody."""
        self._notifications.keep(box, notification.erased())
        self._notifications.settle_failed(
            box, notification.position, reason="erased", at=self._clock()
        )
        metrics.count("NotificationsFailed")

    def _send(self, box: str, place: str, letter: Letter) -> None:
        # Between the provider's taking the message and our writing so, this function may die, and SES knows no
        # idempotency key. Then the notification stays pending, its lease ends, and the next delivery sends a second
        # e-mail: we would rather tell somebody twice than not at all.
        try:
            message_id = self._mailer.send(letter, to=self._address(letter.recipient))
        except EmailRefused as refusal:
            logging.logger().warning("the provider refused a notification: %s", refusal)
            self._notifications.settle_failed(box, place, reason=str(refusal), at=self._clock())
            metrics.count("NotificationsFailed")
        else:
            self._notifications.settle_sent(box, place, message_id=message_id, at=self._clock())
            metrics.count("NotificationsSent")

    def _address(self, recipient: Recipient | None) -> str:
        return recipient.email if recipient else self._admin_email


def _mailbox(recipient: Recipient | None) -> str:
    return mailbox(recipient.user_id) if recipient else ADMINS
