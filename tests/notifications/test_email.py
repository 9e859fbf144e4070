"""SES as the notifications' provider of e-mail."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from notifications.email import SesMailer
from notifications.errors import EmailRefused, EmailUnavailable
from notifications.letters import Letter, compose
from shared.aws import client
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


def refusal(code: str) -> ClientError:
    said = "Email address is not verified: alice-1@example.com"
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


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_a_refusal_for_good_is_one(letter: Letter, code: str) -> None:
    with pytest.raises(EmailRefused, match=code):
        mailer(refusal(code)).send(letter, to="alice-1@example.com")


@pytest.mark.parametrize(
    "error",
    [
        refusal("TooManyRequestsException"),
        refusal("LimitExceededException"),
        refusal("SendingPausedException"),
        refusal("InternalFailure"),
        ConnectTimeoutError(endpoint_url="https://ses"),
        ReadTimeoutError(endpoint_url="https://ses"),
    ],
)
def test_everything_else_may_pass(letter: Letter, error: Exception) -> None:
    with pytest.raises(EmailUnavailable):
        mailer(error).send(letter, to="alice-1@example.com")


def test_what_ses_says_of_an_address_goes_no_further(letter: Letter) -> None:
    with pytest.raises(EmailRefused) as raised:
        mailer(refusal("MessageRejected")).send(letter, to="alice-1@example.com")
    assert "@" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
