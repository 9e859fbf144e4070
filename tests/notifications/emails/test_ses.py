"""Sending by SES: which errors are final, blocking, passing, or leave the outcome open."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from notifications.emails.models import Email
from notifications.emails.ports import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)
from notifications.emails.ses import SesEmailSender

RECIPIENT = "alice-1@example.com"
EMAIL = Email(None, "Welcome", "Hello", "<p>Hello</p>")
ENDPOINT = {"endpoint_url": "https://ses"}
# From "Amazon SES email sending errors".
SANDBOX = f"Email address is not verified. The following identities failed the check: {RECIPIENT}"
CODES: dict[str, type[Exception]] = {
    "AccountSuspendedException": EmailBlocked,
    "BadRequestException": EmailRefused,
    "LimitExceededException": EmailBlocked,
    "MailFromDomainNotVerifiedException": EmailBlocked,
    "MessageRejected": EmailRefused,
    "NotFoundException": EmailBlocked,
    "SendingPausedException": EmailBlocked,
    "TooManyRequestsException": EmailUnavailable,
}


def response(code: str, message: str = f"{RECIPIENT} is not accepted") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "SendEmail")


class BrokenSes:
    """Raises an error at each call."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send_email(self, **_: Any) -> Any:
        raise self._error


def test_every_error_of_send_email_is_classified() -> None:
    model = botocore.session.get_session().get_service_model("sesv2").operation_model("SendEmail")
    assert {shape.name for shape in model.error_shapes} == CODES.keys()


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        *((response(code), kind) for code, kind in CODES.items()),
        # A limited account refuses what it may send later.
        (response("MessageRejected", SANDBOX), EmailBlocked),
        (response("TooManyRequestsException", "Daily message quota exceeded."), EmailBlocked),
        # Nothing was sent.
        (response("InternalFailure"), EmailUnavailable),
        (ConnectTimeoutError(**ENDPOINT), EmailUnavailable),
        (EndpointConnectionError(**ENDPOINT), EmailUnavailable),
        (NoCredentialsError(), EmailUnavailable),
        # The e-mail may have been sent.
        (ReadTimeoutError(**ENDPOINT), EmailUnanswered),
        (ConnectionClosedError(**ENDPOINT), EmailUnanswered),
        (SSLError(error=OSError(), **ENDPOINT), EmailUnanswered),
    ],
)
def test_error_is_translated_without_an_address(error: Exception, raised: type[Exception]) -> None:
    sender = SesEmailSender(BrokenSes(error), "shop@example.com")  # type: ignore[arg-type]  # only send_email is called
    code = (
        error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    )
    with pytest.raises(raised, match=code) as caught:
        sender.send(EMAIL, to=RECIPIENT)
    assert type(caught.value) is raised
    assert "@" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
