"""E-mail: the port, and Amazon SES behind it."""

from email.utils import formataddr
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from notifications.errors import EmailRefused, EmailUnavailable
from notifications.letters import Letter

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

# What SES says of a message that it would refuse the next time as well. Everything else may pass: throttling, an
# account that is paused or not allowed yet. Those are tried again, and end in the dead-letter queue and its alarm.
_FINAL = ("BadRequestException", "MessageRejected")


class Mailer(Protocol):
    """Hands letters to whoever delivers them."""

    def send(self, letter: Letter, *, to: str) -> str:
        """Send the letter to an address, and return the provider's id of the message.

        Raises:
            EmailRefused: it cannot be sent, now or later.
            EmailUnavailable: it may be sent later.
        """


class SesMailer:
    """Sends by Amazon SES.

    Args:
        client: one that does not repeat calls by itself: each repetition might be a second e-mail.
        sender: the address that the e-mails come from; SES must have verified it.
    """

    def __init__(self, client: "SESV2Client", sender: str) -> None:
        self._client = client
        self._from = formataddr(("Bodega", sender))

    def send(self, letter: Letter, *, to: str) -> str:
        try:
            answer = self._client.send_email(
                FromEmailAddress=self._from,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": letter.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": letter.text, "Charset": "UTF-8"},
                            "Html": {"Data": letter.html, "Charset": "UTF-8"},
                        },
                    }
                },
            )
        except ClientError as error:
            # Only the code goes on: SES's sentences hold addresses, and would stand in the log.
            code = error.response["Error"]["Code"]
            raise (EmailRefused if code in _FINAL else EmailUnavailable)(code) from None
        except BotoCoreError as error:
            raise EmailUnavailable(type(error).__name__) from None
        return answer["MessageId"]
