"""SES as the notifications' provider of e-mail."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from notifications.emails.errors import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)
from notifications.emails.models import Letter
from notifications.emails.ses import SesMailer
from notifications.emails.templates import compose
from shared.runtime.aws import client
from tests.notifications.fakes import registered


class BrokenSes:
    """Answers each call with the same error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send_email(self, **_: Any) -> Any:
        raise self._error


@pytest.fixture
def letter() -> Letter:
    welcome = compose(registered())
    assert welcome
    return welcome


# "Amazon SES email sending errors" has the sentences.
SANDBOX = (
    "Email address is not verified. The following identities failed the check in region EU-WEST-1: "
    "alice-1@example.com"
)
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


def refusal(code: str, said: str = "alice-1@example.com is not to our liking") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": said}}, "SendEmail")


def mailer(error: Exception) -> SesMailer:
    return SesMailer(BrokenSes(error), "shop@example.com")  # type: ignore[arg-type]  # only what is called


@pytest.fixture
def ses(account: None) -> Any:
    ses = client("sesv2", attempts=1)
    ses.create_email_identity(EmailIdentity="shop@example.com")
    return ses


def test_a_letter_goes_out_in_both_forms(ses: Any, letter: Letter) -> None:
    from moto.ses.models import ses_backends

    message_id = SesMailer(ses, "shop@example.com").send(letter, to="alice-1@example.com")
    backend = ses_backends["123456789012"]["eu-west-1"]
    [sent] = backend.sent_messages
    assert sent.id == message_id
    assert sent.source == "Bodega <shop@example.com>"
    assert sent.destinations["ToAddresses"] == ["alice-1@example.com"]
    assert sent.subject == "Welcome to Bodega"


def test_each_error_of_the_operation_is_classified() -> None:
    model = botocore.session.get_session().get_service_model("sesv2").operation_model("SendEmail")
    assert {shape.name for shape in model.error_shapes} == CODES.keys()


@pytest.mark.parametrize("code", CODES)
def test_an_error_is_final_blocking_or_passing(letter: Letter, code: str) -> None:
    with pytest.raises(CODES[code], match=code):
        mailer(refusal(code)).send(letter, to="alice-1@example.com")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("MessageRejected", SANDBOX),
        ("TooManyRequestsException", "Daily message quota exceeded."),
    ],
)
def test_what_the_sandbox_refuses_is_blocked_and_not_refused_for_good(
    letter: Letter, code: str, said: str
) -> None:
    with pytest.raises(EmailBlocked, match=code) as raised:
        mailer(refusal(code, said)).send(letter, to="alice-1@example.com")
    assert "@" not in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        refusal("InternalFailure"),
        refusal("AccessDeniedException"),
        ConnectTimeoutError(endpoint_url="https://ses"),
        EndpointConnectionError(endpoint_url="https://ses"),
        NoCredentialsError(),
    ],
)
def test_a_letter_that_was_not_sent_may_be_sent_later(letter: Letter, error: Exception) -> None:
    with pytest.raises(EmailUnavailable):
        mailer(error).send(letter, to="alice-1@example.com")


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://ses"),
        ConnectionClosedError(endpoint_url="https://ses"),
        HTTPClientError(error=OSError()),
        SSLError(endpoint_url="https://ses", error=OSError()),
    ],
)
def test_a_letter_without_an_answer_may_have_been_sent(letter: Letter, error: Exception) -> None:
    with pytest.raises(EmailUnanswered, match=type(error).__name__):
        mailer(error).send(letter, to="alice-1@example.com")


def test_what_ses_says_of_an_address_goes_no_further(letter: Letter) -> None:
    with pytest.raises(EmailRefused) as raised:
        mailer(refusal("MessageRejected")).send(letter, to="alice-1@example.com")
    assert "@" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
