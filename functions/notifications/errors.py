"""What can go wrong with notifications."""

from shared.errors import NotFound, OwnError, TemporaryFailure
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


class EmailRefused(OwnError):
    """The provider will not take this message, now or later. The text is the provider's code."""


class EmailBlocked(GiveUp):
    """The provider refuses such messages until an operator changes the account: it is in the sandbox, paused, or at its
    daily quota. The text is the provider's code."""


class EmailUnavailable(TemporaryFailure):
    """The provider did not take the message, but may take it later. The text is the provider's code."""


class EmailUnanswered(OwnError):
    """The message was sent and no answer came: the provider may have taken it. The text is the SDK's error."""
