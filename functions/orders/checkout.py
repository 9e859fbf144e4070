"""OrdersCheckout: runs the sagas of placed and cancelled orders, makes refunds, erases customers
from their orders, and records what Stripe reports to the admins.
"""

# First of all: see shared.messaging.workers.
from shared.messaging.workers import queue_worker  # isort: skip
import os
from dataclasses import dataclass
from datetime import timedelta

from orders import due_orders, payment_reports
from orders.admin_reports import AdminReports
from orders.clients import StockClient
from orders.erasure import Erasure
from orders.payments.ports import Payments
from orders.payments.sandbox import SandboxPayments
from orders.refunds.repository import DynamoRefunds
from orders.repository import DynamoOrders
from orders.saga import CheckoutSaga
from shared.calls.internal import InternalClient
from shared.contracts.events import Event
from shared.contracts.inventory import REFUSALS
from shared.runtime import aws, logging
from shared.runtime.entry import Entry, Handler
from shared.runtime.secrets import Secrets
from shared.runtime.settings import QueueSettings
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings(QueueSettings):
    """`products_inventory` is the name of the function that holds the stock, `payment_provider` is
    sandbox or stripe, and `stripe_secret` the parameter of Systems Manager with Stripe's secrets.
    A customer may act for a payment until `payment_action_minutes` after placing the order.
    """

    table_name: str
    shards: int
    products_inventory: str
    payment_action_minutes: int
    payment_provider: str
    stripe_secret: str


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, aws.client("dynamodb"), shards=settings.shards)
    # Longer than the inventory's own 6 s after a cold start; called twice at most within our 60 s.
    lambda_ = aws.client("lambda", connect=0.5, read=8, attempts=1)
    inventory = InternalClient(lambda_, settings.products_inventory, refusals=REFUSALS)
    orders = DynamoOrders(table)
    refunds = DynamoRefunds(table, orders)
    payments = _payments(settings, table)
    if os.environ.get("FAULTS"):
        # As in shared.runtime.entry.
        from faults.payments import faulty

        payments = faulty(payments)
    saga = CheckoutSaga(
        orders,
        StockClient(inventory),
        payments,
        refunds,
        action_within=timedelta(minutes=settings.payment_action_minutes),
    )
    erasure = Erasure(orders)
    reports = AdminReports(table)

    def react(event: Event) -> None:
        match event.type:
            case "user.erased":
                erasure.erase(event)
            case (
                "order.placed"
                | "order.cancelled"
                | "order.refund_requested"
                | "order.return_received"
            ):
                # The stored order says what is left to do, whatever the event.
                saga.advance(event.aggregate_id)
            case due_orders.ORDER_DUE:
                with due_orders.superseded_message(event):
                    saga.advance(event.aggregate_id)
            case payment_reports.PAYMENT_CHANGED:
                refund_id = event.data.get("refund_id", "")
                saga.advance(event.aggregate_id, is_news=True, refund_id=refund_id)
            case payment_reports.PAYMENT_REPORTED:
                reports.record(event)
            case _:
                logging.logger().debug("nothing to do for %s", event.type)

    return queue_worker(react, settings)


def _payments(settings: Settings, ledger: Table) -> Payments:
    if settings.payment_provider == "stripe":
        # Its library takes longer to import than all else.
        from orders.payments.stripe import StripePayments

        ssm = aws.client("ssm", attempts=2)
        return StripePayments(Secrets(ssm, settings.stripe_secret))
    return SandboxPayments(ledger)


handler = Entry(build, Settings)
