"""What can be wrong with notifications."""

from shared.errors import NotFound, OwnError
from shared.messaging.redelivery import PermanentFailure, RetryLater


class NotificationNotFound(NotFound):
    """The caller has no such notification."""

    code, title = "notification-not-found", "There is no such notification"


class AttemptUnderWay(RetryLater):
    """Another delivery of the event may be sending its notification until its lease ends."""


class OutcomeUnknown(PermanentFailure):
    """No attempt at the notification got a response: the recipient may have it, perhaps twice.

    An operator decides whether it is sent again.
    """


class RecipientErased(OwnError):
    """The recipient has been erased: nothing may be sent, and nothing personal may be stored."""
