"""Stripe's webhooks: what is signed is queued for the checkout, and nothing else."""

import base64
import json
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from botocore.exceptions import ClientError

from orders.payment_reports import PaymentReports
from orders.webhooks import router
from shared.contracts.events import Event
from shared.runtime.secrets import Secrets
from shared.web.app import create_app, lambda_handler
from tests.support.clock import ManualClock
from tests.support.http import Answer, HttpClient, rest_event
from tests.support.stripe import PATH, SECRET, WEBHOOK_SECRETS, report, signature, signed

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

ORDER: Final = "0123456789abcdef0123456789abcdef"


class Webhooks:
    """The function on fakes of Systems Manager and of the checkout's queue.

    Attributes:
        parameter: the value with the secrets, or what reading it raises.
        sent: the queue's messages.
    """

    def __init__(self) -> None:
        self.parameter: str | Exception = json.dumps(SECRET)
        self.sent: list[Event] = []
        self.clock = ManualClock()
        secrets = Secrets(cast("SSMClient", self), "/bodega/stripe")
        reports = PaymentReports(secrets, cast("SQSClient", self), "the-queue", self.clock)
        self.app = create_app("orders", router, reports=reports)
        self.http = HttpClient(self.app)

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        if isinstance(self.parameter, Exception):
            raise self.parameter
        return {"Parameter": {"Value": self.parameter}}

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803  # boto3's names
        assert QueueUrl == "the-queue"
        self.sent.append(Event.model_validate_json(MessageBody))

    def post(self, body: str, headers: dict[str, str] | None = None) -> Answer:
        """A body, by default signed now."""
        headers = signed(body, at=self.clock.now) if headers is None else headers
        return self.http.post(PATH, body=body, headers=headers)


@pytest.fixture
def webhooks() -> Webhooks:
    return Webhooks()


@pytest.mark.parametrize(
    "type_",
    [
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "payment_intent.canceled",
        "charge.captured",
        "charge.refund.updated",
        "refund.failed",
    ],
)
def test_report_of_a_payment_is_sent_to_the_checkout(webhooks: Webhooks, type_: str) -> None:
    answer = webhooks.post(report(ORDER, type_, status="succeeded", amount=1))
    assert (answer.status, answer.text) == (200, "")
    [message] = webhooks.sent
    assert (message.type, message.aggregate_id, message.id) == (
        "payment.changed",
        ORDER,
        "evt_1Nabc",
    )
    # Nothing else of the report.
    assert message.data == {}


@pytest.mark.parametrize(
    "body",
    [
        report(ORDER, "customer.updated"),
        report(ORDER, "payment_intents.succeeded"),
        report(None),
        report(""),
        report(ORDER.upper()),
        report(f"{ORDER}0"),
        report(f"ORDER#{ORDER}"),
        report(cast("str", {"S": ORDER})),
        json.dumps({"id": "evt_1", "type": "charge.captured"}),
        json.dumps({"type": ["charge.captured"], "data": {"object": {"metadata": [ORDER]}}}),
        *('{"type": null, "data": []}', "[]", "null", '"text"', "7"),
    ],
)
def test_report_of_something_else_is_accepted_and_ignored(webhooks: Webhooks, body: str) -> None:
    assert webhooks.post(body).status == 200
    assert webhooks.sent == []


def test_id_that_is_none_is_not_repeated(webhooks: Webhooks) -> None:
    webhooks.post(report(ORDER).replace("evt_1Nabc", "evt_1 carla@example.com"))
    [message] = webhooks.sent
    assert message.id == ""


@pytest.mark.parametrize("secret", WEBHOOK_SECRETS)
def test_both_secrets_sign_while_they_are_rotated(webhooks: Webhooks, secret: str) -> None:
    body = report(ORDER)
    sent = signed(body, at=webhooks.clock.now, secrets=[secret])
    assert webhooks.post(body, sent).status == 200
    assert len(webhooks.sent) == 1


def test_report_without_a_valid_signature_is_refused(
    webhooks: Webhooks, capsys: pytest.CaptureFixture[str]
) -> None:
    body, now = report(ORDER), webhooks.clock.now
    refused: tuple[dict[str, str], ...] = (
        {},
        {"Stripe-Signature": "t=1,v1=é"},
        signed(body, at=now, secrets=["whsec_forged"]),
        signed(report(ORDER[::-1]), at=now),
        signed(body, at=now.replace(hour=now.hour - 1)),
        signed(body, at=now.replace(hour=now.hour + 1)),
    )
    for headers in refused:
        answer = webhooks.post(body, headers)
        assert (answer.status, answer.code) == (400, "bad-signature")
        assert answer.headers["content-type"] == "application/problem+json"
    assert webhooks.sent == []
    printed = capsys.readouterr().out
    assert printed.count('"WebhooksRefused"') >= len(refused)
    assert ORDER not in printed


def test_signature_is_of_the_body_as_it_came(webhooks: Webhooks) -> None:
    """API Gateway may encode it."""
    body = report(ORDER, name="Zoë")
    event = rest_event("POST", PATH, body=body, headers=signed(body, at=webhooks.clock.now))
    encoded = {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    handler = lambda_handler(webhooks.app)
    assert handler(event | encoded, None)["statusCode"] == 200
    assert handler(event | {"isBase64Encoded": True}, None)["statusCode"] == 400
    assert len(webhooks.sent) == 1


@pytest.mark.parametrize(
    ("method", "parts", "status"),
    [
        ("POST", {"body": "{"}, 400),
        ("POST", {"body": f'"{"x" * 256 * 1024}"'}, 413),
        ("POST", {"body": "{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", {}, 400),
        *((method, {}, 405) for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")),
    ],
)
def test_request_that_is_no_report_is_refused_as_everywhere(
    webhooks: Webhooks, method: str, parts: dict[str, Any], status: int
) -> None:
    answer = webhooks.http.request(method, PATH, **parts)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)
    assert webhooks.sent == []


@pytest.mark.parametrize(
    "parameter",
    [
        ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter"),
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetParameter"),
        '{"webhook_secrets": ["whsec_half',
        '["whsec_in-a-list"]',
        '{"api_key": "sk_test_alone"}',
        '{"webhook_secrets": null}',
        '{"webhook_secrets": "whsec_of-the-older-endpoint"}',
        '{"webhook_secrets": []}',
        '{"webhook_secrets": [""]}',
    ],
)
def test_report_is_a_503_while_the_secrets_are_unreadable(
    webhooks: Webhooks, parameter: str | Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    webhooks.parameter = parameter
    body = report(ORDER)
    empty = {"Stripe-Signature": signature(body, at=webhooks.clock.now, secrets=[""])}
    for headers in (signed(body, at=webhooks.clock.now), empty):
        answer = webhooks.post(body, headers)
        assert (answer.status, answer.code) == (503, "service-unavailable")
        assert answer.headers["retry-after"].isdigit()
    assert webhooks.sent == []
    printed = f"{capsys.readouterr()}"
    assert not [secret for secret in ("whsec_", "sk_test_") if secret in printed]


@pytest.mark.parametrize(
    ("type_", "metric"),
    [
        ("charge.dispute.created", "PaymentsDisputed"),
        ("charge.dispute.closed", "PaymentsDisputed"),
        ("payout.failed", "PayoutsFailed"),
    ],
)
def test_dispute_and_failed_payout_are_counted_and_sent_for_the_admins(
    webhooks: Webhooks, type_: str, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    about = {"id": "du_1N", "payment_intent": "pi_1N", "reason": "fraudulent"}
    assert webhooks.post(report(None, type_, **about)).status == 200
    [sent] = webhooks.sent
    assert (sent.type, sent.id) == ("payment.reported", "evt_1Nabc")
    assert sent.data == {"report": type_, "object_id": "du_1N", "payment_id": "pi_1N"}
    assert f'"Name":"{metric}"' in capsys.readouterr().out.replace(" ", "")


@pytest.mark.parametrize(
    ("type_", "key", "data"),
    [
        ("refund.failed", "re_key.1", {"refund_id": "re_key.1"}),
        ("refund.failed", "no key", {}),
        ("refund.updated", "key", {}),
    ],
)
def test_report_of_a_failed_refund_names_it(
    webhooks: Webhooks, type_: str, key: str, data: dict[str, str]
) -> None:
    body = report(ORDER, type_, metadata={"order_id": ORDER, "refund_key": key})
    assert webhooks.post(body).status == 200
    [sent] = webhooks.sent
    assert (sent.aggregate_id, sent.data) == (ORDER, data)
