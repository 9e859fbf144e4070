"""What AWS refuses at run time, or would overrun, of the template as it stands; each limit is as
AWS's documentation has it. What a deployment refuses is not here.

Read for this: "Lambda quotas", "Lambda parameters for Amazon SQS event source mappings", "Using
Lambda with Amazon SQS" (visibility), "DynamoDB transactions", "Quotas related to messages" (SQS).
"""

import json
from typing import Any, Final
from unittest.mock import patch

import pytest

from notifications.emails import service as notifier
from orders.payments import stripe_transport
from products.reservations.models import HELD_FOR
from shared.messaging import publishing
from tests.budget.waits import (
    QUEUED,
    STREAMED,
    clients,
    longest_order,
    number,
    queue_of,
)
from tests.outages.alarms import alarms
from tests.simulation.resources import SCHEDULES
from tests.simulation.shop import SimulatedShop, opened
from tests.support.functions import FUNCTIONS, Function
from tools.template import resources

LAMBDA_PAYLOAD: Final = 6 * 1024 * 1024
SNS_BATCH = SQS_FROM_SNS = 256 * 1024
DYNAMODB_ITEM: Final = 400 * 1024
DYNAMODB_TRANSACTION: Final = 4 * 1024 * 1024

each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
each_worker = pytest.mark.parametrize("function", QUEUED, ids=lambda f: f.name)
each_relay = pytest.mark.parametrize("function", STREAMED, ids=lambda f: f.name)


# --- time-outs ---


def slowest(name: str, *services: str) -> float:
    """Seconds of the slowest call that is never answered: all its attempts, and the longest pauses
    between them."""
    return max(
        client.seconds + client.pauses
        for client in clients(name)
        if not services or client.service in services
    )


@each_function
def test_function_survives_a_call_that_is_never_answered(function: Function) -> None:
    assert slowest(function.name) <= function.timeout
    if function.events("Api"):
        assert function.timeout < 29, "API Gateway's own time-out"
    if "TOPIC_ARN" in function.declared_variables:
        # One batch, or one mark, that began at the last moment.
        assert slowest(function.name, "sns", "dynamodb") < publishing.CALL_SECONDS


@each_function
def test_called_function_ends_before_its_caller_times_out(function: Function) -> None:
    for variable in function.properties["Environment"]["Variables"].values():
        called = variable.get("Ref", "") if isinstance(variable, dict) else ""
        name, _, attribute = str(called).partition(".")
        # The gateway reports the health of those that answer in time.
        if attribute == "Alias" and function.name != "GatewayApi":
            assert FUNCTIONS[name].timeout < slowest(function.name, "lambda")


def test_calls_of_an_order_fit_into_the_functions_timeout() -> None:
    """Each as slow as it may be: the order is looked for, both services are called, each after its
    circuit was read and before it is written, and the order is written."""
    [lambda_, circuits, table] = clients("OrdersApi")
    slowest_order = sum(
        times * (client.seconds + client.pauses)
        for times, client in ((2, table), (2, lambda_), (4, circuits))
    )
    assert slowest_order < FUNCTIONS["OrdersApi"].timeout


def test_saga_that_nobody_answers_fits_into_the_functions_timeout() -> None:
    """Past the deadline: the stock is asked for, the payment authorised and looked for, and both
    are given back. The first call of a step that is not answered is its last."""
    [inventory] = [one for one in clients("OrdersCheckout") if one.service == "lambda"]
    stripe = stripe_transport.CONNECT_SECONDS + stripe_transport.READ_SECONDS
    assert 2 * inventory.seconds + 4 * stripe < FUNCTIONS["OrdersCheckout"].timeout


@each_worker
def test_batch_fits_into_the_workers_timeout_and_the_queues(function: Function) -> None:
    [source] = function.events("SQS")
    size, window = source["BatchSize"], source.get("MaximumBatchingWindowInSeconds", 0)
    pauses = max(client.pauses for client in clients(function.name))
    needed = size * (slowest(function.name) - pauses)
    assert needed <= function.timeout, f"a batch of {size} needs a Timeout of {needed:g} s"
    needed = 6 * function.timeout + window
    visibility = queue_of(source)["VisibilityTimeout"]
    assert needed <= visibility, f"its queue needs a VisibilityTimeout of {needed} s"
    # Lambda refuses the mapping otherwise; cfn-lint and the emulator take it.
    assert size <= 10 or window >= 1, "more than 10 need MaximumBatchingWindowInSeconds"
    assert size * SQS_FROM_SNS <= LAMBDA_PAYLOAD, "Lambda takes no payload of this size"


def test_claim_outlives_its_worker_and_ends_before_the_next_delivery() -> None:
    worker = FUNCTIONS["NotificationsWorker"]
    [source] = worker.events("SQS")
    lease = notifier._LEASE.total_seconds()
    assert worker.timeout < lease < queue_of(source)["VisibilityTimeout"]


@each_relay
def test_stream_drops_a_batch_after_the_sweeper_begins_and_before_orders_expire(
    function: Function,
) -> None:
    """The events stay unsent in the table, so that the sweeper publishes them. A batch that always
    fails blocks its shard: retried until it expires, for a day."""
    [source] = function.events("DynamoDB")
    attempts = 1 + source["MaximumRetryAttempts"]
    assert attempts * slowest(function.name, "sns") > publishing._SWEEP_AFTER.total_seconds()
    assert attempts * function.timeout < HELD_FOR.total_seconds()


def test_longest_order_ends_before_its_reservation() -> None:
    assert sum(longest_order().values()) < HELD_FOR.total_seconds()


def test_alarm_rings_before_waiting_events_cost_reservations() -> None:
    properties = alarms()["EventsStuckAlarm"].properties
    ticks = max(SCHEDULES[f"{service}Sweeper"] for service in ("Orders", "Products")) * 60
    waited = publishing._SWEEP_AFTER.total_seconds() + ticks
    seconds = waited + properties["Period"] * properties["DatapointsToAlarm"]
    assert seconds < HELD_FOR.total_seconds()


# --- queues ---


def test_messages_are_kept_as_long_in_the_dead_letter_queue() -> None:
    queues = resources("AWS::SQS::Queue")
    for queue in queues.values():
        if redrive := queue.get("RedrivePolicy"):
            kept = queues[redrive["deadLetterTargetArn"]["Fn::GetAtt"].partition(".")[0]]
            # A moved message keeps its age.
            assert kept["MessageRetentionPeriod"] >= queue["MessageRetentionPeriod"]
            assert 1 <= number(redrive["maxReceiveCount"]) <= 1000


# --- the largest order that the API accepts ---


def test_largest_order_fits_into_every_call_message_and_page() -> None:
    """Orders of fifty lines with names as long as they may be."""
    sent: dict[str, list[int]] = {}
    with opened() as shop:
        answer = shop.cloud.answer

        def measured(service: str, operation: str, path: str, body: bytes) -> Any:
            sent.setdefault(f"{service}.{operation}", []).append(len(body))
            if operation == "TransactWriteItems":
                assert len(json.loads(body)["TransactItems"]) <= 100
            answered = answer(service, operation, path, body)
            if service == "lambda":
                assert len(answered[2]) <= LAMBDA_PAYLOAD
            return answered

        with patch.object(shop.cloud, "answer", measured):
            page = _two_large_orders(shop)
        events = [len(fact.model_dump_json().encode()) for fact in shop.cloud.published]
        items = shop.cloud.dynamodb.tables["OrdersTable"].items.values()
        sizes = [len(json.dumps(item, ensure_ascii=False).encode()) for item in items]
    assert max(sent["dynamodb.TransactWriteItems"]) <= DYNAMODB_TRANSACTION
    assert max(sizes) <= DYNAMODB_ITEM
    assert max(sent["lambda.Invoke"]) <= LAMBDA_PAYLOAD
    assert sent["sns.PublishBatch"]
    # The attribute's name, type and value count too.
    assert max(events) <= SNS_BATCH - 1024
    # A page of a hundred, as a text within JSON: each of its quotes has a backslash before it.
    assert page * 50 * 1.25 <= LAMBDA_PAYLOAD


def _two_large_orders(shop: SimulatedShop) -> int:
    """Bytes of a page with them."""
    names = [f"{n:02} {chr(0x1F600)}".ljust(200, chr(0x1F600)) for n in range(50)]
    products = [shop.admin.add_product(name=name, stock=100_000) for name in names]
    customer = shop.anyone.register(full_name=chr(0x1F600) * 100)
    for order in range(2):
        customer.order(*((product, 1000) for product in products), key=f"large {order}")
    shop.settle()
    page = customer.get("/api/v1/orders", params={"limit": 2})
    assert page.json()["count"] == 2
    return len(page.content)
