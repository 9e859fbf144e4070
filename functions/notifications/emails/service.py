"""Reacts to events: each makes one notification on one channel, however often the event is delivered."""

import random
from datetime import timedelta
from typing import Final

from notifications.emails.errors import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)
from notifications.emails.models import Letter, Recipient
from notifications.emails.ports import Mailer
from notifications.emails.templates import compose
from notifications.errors import AttemptUnderWay, OutcomeUnknown, RecipientErased
from notifications.models import (
    ADMINS,
    MOST_ATTEMPTS,
    Channel,
    Claim,
    Notification,
    mailbox,
    notification_id,
)
from notifications.ports import NotificationRepository
from shared.calls.deadline import Deadline
from shared.calls.local_circuit import LocalCircuit
from shared.contracts.erasure import is_erased_email
from shared.contracts.events import Event, UserErasedData
from shared.messaging.redelivery import ComeAgain
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, now

_CHANNEL: Final[Channel] = "email"

# Longer than the worker may run (20 s), so that no worker is still sending when its lease has ended.
# Shorter than the queue's visibility time-out (120 s), so that the delivery after one that died may send at once.
_LEASE: Final = timedelta(seconds=60)
# After an attempt without an answer, so that a provider that is slow for minutes does not get the same e-mail twice.
_UNANSWERED_SECONDS: Final = 900
_PAUSE: Final = timedelta(seconds=30)
_FAILURES: Final = 3
# Of the worker's 20 s. The rest of a large mailbox is another delivery's.
_ERASING_SECONDS: Final = 16.0


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
        self._provider = LocalCircuit(failures=_FAILURES, pause=_PAUSE, now=clock)

    def notify(self, fact: Event) -> None:
        """Write the event's notification and send it, unless that was done; of `user.erased`, erase that user's mailbox.

        Raises:
            ComeAgain: another delivery is sending it (AttemptUnderWay), the provider is down or left the first attempt without
                an answer, or a large mailbox is erased in parts.
            EmailUnavailable: the provider may take it later.
            EmailBlocked: the provider refuses until an operator changes the account. The notification stays pending.
            OutcomeUnknown: the provider left two attempts without an answer. The notification stays pending.
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
        # The event itself may have been erased before it was published.
        if letter.recipient and is_erased_email(letter.recipient.email):
            self._settle_erased(box, notification)
            return
        if self._provider.is_open:
            metrics.count("EmailsDelayed")
            raise ComeAgain(_jittered(_PAUSE))
        claimed_at = self._clock()
        try:
            claim = self._notifications.claim(box, notification, now=claimed_at, lease=_LEASE)
        except RecipientErased:
            self._settle_erased(box, notification)
            return
        if claim:
            # A worker that was suspended for the length of its lease may not be the only one any more.
            if self._clock() >= claimed_at + _LEASE:
                self._notifications.release(box, notification.position, claim, at=self._clock())
                raise AttemptUnderWay(_jittered(_LEASE))
            self._send(box, notification.position, letter, claim)

    def _erase(self, user_id: str) -> None:
        began = self._clock()
        deadline = Deadline(
            lambda: _ERASING_SECONDS - (self._clock() - began).total_seconds(),
        )
        erased, is_done = self._notifications.erase(mailbox(user_id), at=began, deadline=deadline)
        logging.logger().info("erased notifications: %s", erased, extra={"user_id": user_id})
        metrics.count("NotificationsErased", erased)
        if not is_done:
            raise ComeAgain(1)

    def _settle_erased(self, box: str, notification: Notification) -> None:
        """Each event has its notification; this one says nothing, and to nobody."""
        self._notifications.keep(box, notification.erased())
        self._notifications.settle_failed(
            box, notification.position, reason="erased", at=self._clock()
        )
        metrics.count("NotificationsFailed")

    def _send(self, box: str, place: str, letter: Letter, claim: Claim) -> None:
        # This function may die after the provider has taken the message and before it is settled, and SES has no
        # idempotency key. Then the notification stays pending, its lease ends, and the next delivery sends a second
        # e-mail: two are better than none. There is no third one: see `Claim`.
        try:
            message_id = self._mailer.send(letter, to=self._address(letter.recipient))
        except EmailUnanswered as unknown:
            self._provider.failed()
            metrics.count("EmailsDelayed")
            if claim.attempts >= MOST_ATTEMPTS:
                raise OutcomeUnknown(f"{claim.attempts} attempts, the last: {unknown}") from None
            logging.logger().warning("the provider left an e-mail unanswered: %s", unknown)
            raise ComeAgain(_UNANSWERED_SECONDS) from None
        except (EmailUnavailable, EmailBlocked) as refusal:
            if isinstance(refusal, EmailUnavailable):
                self._provider.failed()
            else:
                self._provider.succeeded()
            metrics.count("EmailsDelayed")
            self._notifications.release(box, place, claim, at=self._clock())
            raise
        except EmailRefused as refusal:
            self._provider.succeeded()
            logging.logger().warning("the provider refused a notification: %s", refusal)
            self._notifications.settle_failed(box, place, reason=str(refusal), at=self._clock())
            metrics.count("NotificationsFailed")
        else:
            self._provider.succeeded()
            self._notifications.settle_sent(box, place, message_id=message_id, at=self._clock())
            metrics.count("NotificationsSent")

    def _address(self, recipient: Recipient | None) -> str:
        return recipient.email if recipient else self._admin_email


def _jittered(time: timedelta) -> int:
    """Between one and two times as many seconds, so that messages that wait for the same thing are spread."""
    return int(time.total_seconds() * random.uniform(1, 2))  # noqa: S311  # no secret


def _mailbox(recipient: Recipient | None) -> str:
    return mailbox(recipient.user_id) if recipient else ADMINS
