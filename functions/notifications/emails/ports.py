"""What sending e-mails needs from outside."""

from typing import Protocol

from notifications.emails.models import Email


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
