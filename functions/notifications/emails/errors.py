"""What can go wrong with an e-mail. An error's text is a code, because messages have addresses."""

from shared.errors import OwnError, TemporaryFailure
from shared.messaging.redelivery import PermanentFailure


class EmailRefused(OwnError):
    """The provider will not accept this message, now or later."""


class EmailBlocked(PermanentFailure):
    """The account may not send: it is in the sandbox, paused, or at its daily quota."""


class EmailUnavailable(TemporaryFailure):
    """The provider did not accept the message, but may accept it later."""


class EmailUnanswered(OwnError):
    """The message was sent and no response came: the provider may have accepted it."""
