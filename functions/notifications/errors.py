"""What can go wrong with notifications."""

from shared.errors import NotFound, OwnError
from shared.messaging.redelivery import ComeAgain, GiveUp


class NotificationNotFound(NotFound):
    """The caller has no such notification."""

    code, title = "notification-not-found", "There is no such notification"


class AttemptUnderWay(ComeAgain):
    """Another delivery of the event may be sending its notification until its lease ends."""


class OutcomeUnknown(GiveUp):
    """All attempts at a notification were left without an answer. The recipient may have the e-mail, perhaps more than once:
    an operator decides."""


class RecipientErased(OwnError):
    """Whoever the notification is for has been erased: nobody is to be told, and nothing of them to be kept."""
