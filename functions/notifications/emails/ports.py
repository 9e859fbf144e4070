"""What sending e-mails needs from outside. An error's text is a code, because messages have
addresses.
"""

from typing import Protocol

from notifications.emails.models import Email, Link
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


class Links(Protocol):
    """Makes the URLs of links."""

    def url(self, link: Link) -> str:
        """The link's URL, with its token decrypted."""


class EmailSender(Protocol):
    """Hands e-mails to a provider."""

    def send(self, email: Email, *, to: str) -> str:
        """Send the e-mail to an address, and return the provider's id of the message.

        Raises:
            EmailRefused: it cannot be sent, now or later.
            EmailBlocked: the account may not send it until an operator changes the account.
            EmailUnavailable: it was not sent, and may be sent later.
            EmailUnanswered: it may have been sent.
        """
