"""What Stripe reports by webhooks.

A report of a payment becomes a message for the checkout, whose saga asks Stripe itself. Of the
report only its type, its id and the ids of the order and the refund are used. So one that is
repeated, late, replayed or out of order changes nothing, and an order whose report is lost ends by
the sweeper.
"""

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from orders.errors import BadSignature
from orders.models import is_order_id
from orders.payments.stripe_signature import is_signed
from shared.contracts.events import Event, PaymentReportData
from shared.errors import CloudUnavailable
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock
from shared.runtime.secrets import Secrets

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

PAYMENT_CHANGED: Final = "payment.changed"
PAYMENT_REPORTED: Final = "payment.reported"
_OF_PAYMENTS: Final = ("payment_intent.", "charge.", "refund.")
# For the shop's admins, who act in Stripe's dashboard.
_FOR_ADMINS: Final = {
    "charge.dispute.created": "PaymentsDisputed",
    "charge.dispute.closed": "PaymentsDisputed",
    "payout.failed": "PayoutsFailed",
}
# Also of a refund that had succeeded, whose state is not read again otherwise.
_REFUND_FAILED: Final = "refund.failed"
_OBJECT: Final = ("data", "object")
_METADATA: Final = (*_OBJECT, "metadata")
# Of ids and types: they are logged.
_NAME: Final = re.compile(r"[A-Za-z0-9_.]{1,100}")


class PaymentReports:
    """Takes Stripe's reports.

    Args:
        secrets: those that sign webhooks are its `webhook_secrets`, two while they are rotated.
        queue_url: the checkout's queue.
    """

    def __init__(
        self, secrets: Secrets, sqs: "SQSClient", queue_url: str, now: Clock = clock.now
    ) -> None:
        self._secrets = secrets
        self._sqs = sqs
        self._queue_url = queue_url
        self._now = now

    def take(self, body: bytes, report: Any, signature: str) -> None:
        """Take a report: its raw body, and the same as JSON.

        Raises:
            BadSignature: Stripe did not sign it, or did so more than five minutes ago.
            CloudUnavailable: the secrets cannot be read; Stripe sends the report again.
        """
        if not is_signed(body, signature, self._webhook_secrets(), now=self._now()):
            metrics.count("WebhooksRefused")
            logging.logger().warning("the signature of a webhook is not valid")
            raise BadSignature
        id_, type_ = _name(report, "id"), _name(report, "type")
        logging.add(event_id=id_)
        order_id = _order_id(report)
        if type_ in _FOR_ADMINS:
            metrics.count(_FOR_ADMINS[type_])
            object_id = _name(report, *_OBJECT, "id")
            logging.logger().warning("for an admin: %s", type_, extra={"object_id": object_id})
            payment_id = _name(report, *_OBJECT, "payment_intent") or None
            reported = PaymentReportData(report=type_, object_id=object_id, payment_id=payment_id)
            self._send(PAYMENT_REPORTED, id_, about=id_, version=1, data=reported.model_dump())
        elif order_id and type_.startswith(_OF_PAYMENTS):
            logging.add(order_id=order_id)
            has_failed = type_ == _REFUND_FAILED
            refund_id = _name(report, *_METADATA, "refund_key") if has_failed else ""
            changed = {"refund_id": refund_id} if refund_id else {}
            # Stripe does not know the order's version.
            self._send(PAYMENT_CHANGED, id_, about=order_id, version=0, data=changed)
        else:
            logging.logger().debug("nothing to do for %s", type_)

    def _webhook_secrets(self) -> list[str]:
        """The secrets, at least one.

        Raises:
            CloudUnavailable: see there.
        """
        try:
            stored = self._secrets.read()["webhook_secrets"]
            # Each character of a text would be a secret.
            listed = stored if isinstance(stored, list) else []
            secrets = [str(secret) for secret in listed if secret]
        except (BotoCoreError, ClientError, LookupError, TypeError, ValueError) as cause:
            # Without its text, which may have the secrets.
            logging.logger().error("cannot read webhook_secrets: %s", type(cause).__name__)
            raise CloudUnavailable from None
        if not secrets:
            logging.logger().error("webhook_secrets is empty, or no list")
            raise CloudUnavailable
        return secrets

    def _send(self, type_: str, id_: str, *, about: str, version: int, data: Any) -> None:
        message = Event(
            id=id_,
            type=type_,
            aggregate_id=about,
            version=version,
            at=clock.rfc3339(self._now()),
            request_id=logging.request_id(),
            data=data,
        )
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=message.model_dump_json())


def _member(report: Any, *path: str) -> Any:
    for name in path:
        report = report.get(name) if isinstance(report, dict) else None
    return report


def _name(report: Any, *path: str) -> str:
    """The id or type there; empty if it is none."""
    value = _member(report, *path)
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _order_id(report: Any) -> str:
    """The id of an order that the adapter wrote into the metadata of a payment or refund; empty if
    it is none.
    """
    value = _member(report, *_METADATA, "order_id")
    return value if isinstance(value, str) and is_order_id(value) else ""
