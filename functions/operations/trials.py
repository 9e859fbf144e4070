"""The small real request that shows whether a new version of a function works. It changes nothing:
each is like one that customers or schedules send at any time."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from shared.contracts.events import Event
from shared.web.rest_events import get_event

type Answer = Any

_HEADERS: Final = {"Host": "operations.internal"}


@dataclass(frozen=True)
class Trial:
    """A request, and what a working function answers."""

    event: dict[str, Any]
    is_passed_by: Callable[[Answer], bool]


def trial_of(function: str) -> Trial:
    """The trial of a function.

    Args:
        function: its name in the template.

    Raises:
        LookupError: its name has no ending that is known.
    """
    if function in _OWN:
        return _OWN[function]
    service, ending = re.findall(r"(.*)([A-Z][a-z]*)", function)[0]
    if ending == "Api":
        health = get_event(f"/health/{_kebab(service)}", _HEADERS)
        return Trial(health, lambda answer: json.loads(answer["body"])["status"] == "healthy")
    if ending in _OF_ENDING:
        return _OF_ENDING[ending]
    raise LookupError(f"{function} has no trial")


def _http(path: str, status: int) -> Trial:
    return Trial(get_event(path, _HEADERS), lambda answer: bool(answer["statusCode"] == status))


def _refused(name: str, body: dict[str, Any], code: str) -> Trial:
    """A call of an internal function that it refuses after it has read its table."""
    call = {"name": name, "request_id": "trial", "body": body}
    return Trial(call, lambda answer: bool(answer["refused"]["code"] == code))


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _batch(*records: dict[str, Any]) -> Trial:
    return Trial({"Records": [*records]}, lambda answer: answer == {"batchItemFailures": []})


_EVENT: Final = Event(
    id="trial.1",
    type="version.tried",
    aggregate_id="trial",
    version=1,
    at="2026-01-01T00:00:00.000Z",
    request_id="trial",
    data={},
)
# Workers ignore types that they do not know.
_MESSAGE: Final = _batch(
    {
        "messageId": "trial",
        "receiptHandle": "trial",
        "body": _EVENT.model_dump_json(),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
)
_OF_ENDING: Final = {
    "Checkout": _MESSAGE,
    "Relay": _batch(),
    # One more tick; a sweeper raises its errors.
    "Sweeper": Trial({"detail-type": "Scheduled Event"}, lambda answer: isinstance(answer, dict)),
    "Worker": _MESSAGE,
}
_OWN: Final = {
    "GatewayApi": _http("/", 200),
    # It has no health: the shop works without it.
    "OperationsApi": _http("/api/v1/operations/circuits", 401),
    "OperationsQueues": _http("/api/v1/operations/queues/checkout/purge", 405),
    # Stripe sends no GET.
    "OrdersWebhooks": _http("/webhooks/stripe", 405),
    "ProductsInventory": _refused(
        "reserve",
        {"order_id": "trial", "lines": [{"product_id": "trial", "quantity": 1}]},
        "unknown-product",
    ),
    "UsersDirectory": _refused("find_customer", {"user_id": "trial"}, "user-not-found"),
}
