"""What can go wrong with notifications."""

from shared.errors import NotFound
from shared.redelivery import GiveUp


class NotificationNotFound(NotFound):
    """The caller has no such notification."""

    code, title = "notification-not-found", "There is no such notification"


class AttemptUnderWay(Exception):
    """Another delivery of the event is sending its notification at this moment: come again later."""


class RecipientErased(Exception):
    """Whoever the notification is for has been erased: nobody is to be told, and nothing of them to be kept."""


class EmailRefused(Exception):
    """The provider will not take this message, now or later. The text is the provider's code."""


class EmailBlocked(GiveUp):
    """The provider refuses such messages until an operator changes the account: it is in the sandbox, paused, or at its
    daily quota. The text is the provider's code."""


class EmailUnavailable(Exception):
    """The provider did not take the message, but may take it later. The text is the provider's code.

    A time-out is one of these: the message may have been taken all the same.
    """
