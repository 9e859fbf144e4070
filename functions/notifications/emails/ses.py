"""Sends e-mails by Amazon SES."""

from email.utils import formataddr
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError

from notifications.emails.models import Email
from notifications.emails.ports import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

# SES would refuse the message the next time as well: its content or an address is wrong.
_FINAL: Final = ("BadRequestException", "MessageRejected")
# The account may not send. All other errors may pass by themselves, and the queue retries them.
_BLOCKED: Final = (
    "AccountSuspendedException",
    "LimitExceededException",
    "MailFromDomainNotVerifiedException",
    "NotFoundException",
    "SendingPausedException",
)
# How the message begins of a MessageRejected in the sandbox, where recipients must be verified too,
# and of a throttling at the daily quota ("Amazon SES email sending errors").
_BLOCKING: Final = ("Email address is not verified", "Daily message quota exceeded")


class SesEmailSender:
    """Sends by Amazon SES.

    Args:
        client: must not retry calls by itself: each retry might be a second e-mail.
        sender: the address of the sender; SES must have verified it.
    """

    def __init__(self, client: "SESV2Client", sender: str) -> None:
        self._client = client
        self._from = formataddr(("Bodega", sender))

    def send(self, email: Email, *, to: str) -> str:
        try:
            response = self._client.send_email(
                FromEmailAddress=self._from,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": email.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": email.text, "Charset": "UTF-8"},
                            "Html": {"Data": email.html, "Charset": "UTF-8"},
                        },
                    }
                },
            )
        except ClientError as error:
            raise _translated(error) from None
        except (HTTPClientError, SSLError) as error:
            # A timeout or a lost connection. Without a connection the SDK raises other errors.
            raise EmailUnanswered(type(error).__name__) from None
        except BotoCoreError as error:
            raise EmailUnavailable(type(error).__name__) from None
        return response["MessageId"]


def _translated(error: ClientError) -> Exception:
    # Only the code: SES's messages have addresses, and exceptions are logged.
    code = error.response["Error"]["Code"]
    message = error.response["Error"].get("Message", "")
    for beginning in _BLOCKING:
        if message.startswith(beginning):
            return EmailBlocked(f"{code}: {beginning}")
    if code in _BLOCKED:
        return EmailBlocked(code)
    return EmailRefused(code) if code in _FINAL else EmailUnavailable(code)
