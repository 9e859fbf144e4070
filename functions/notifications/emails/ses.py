"""Sends e-mails by Amazon SES."""

from email.utils import formataddr
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError

from notifications.emails.errors import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)
from notifications.emails.models import Letter

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

# What SES says of a message that it would refuse the next time as well: its content or an address is wrong.
_FINAL: Final = ("BadRequestException", "MessageRejected")
# What it says while the account may not send. All other errors may pass by themselves, and the queue retries them.
_BLOCKED: Final = (
    "AccountSuspendedException",
    "LimitExceededException",
    "MailFromDomainNotVerifiedException",
    "NotFoundException",
    "SendingPausedException",
)
# How the sentence begins that SES says with MessageRejected of the sandbox, where a recipient must be verified too, and
# with a throttling of the daily quota ("Amazon SES email sending errors").
_BLOCKING: Final = ("Email address is not verified", "Daily message quota exceeded")


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
            raise _translated(error) from None
        except (HTTPClientError, SSLError) as error:
            # A time-out, or a connection that was lost. Where none was made, the SDK raises other errors.
            raise EmailUnanswered(type(error).__name__) from None
        except BotoCoreError as error:
            raise EmailUnavailable(type(error).__name__) from None
        return answer["MessageId"]


def _translated(error: ClientError) -> Exception:
    # Keep only the code: SES's messages hold addresses, and exceptions are logged.
    code = error.response["Error"]["Code"]
    sentence = error.response["Error"].get("Message", "")
    for beginning in _BLOCKING:
        if sentence.startswith(beginning):
            return EmailBlocked(f"{code}: {beginning}")
    if code in _BLOCKED:
        return EmailBlocked(code)
    return EmailRefused(code) if code in _FINAL else EmailUnavailable(code)
