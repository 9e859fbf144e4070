"""OperationsReconciler: every day, compares the orders of the last two days with the
records of the other services and of the payment provider.
"""

# First of all: see shared.messaging.workers.
from shared.messaging.workers import task  # isort: skip
from dataclasses import dataclass

from operations.reconciliation.repository import DynamoRecords
from operations.reconciliation.service import Reconciliation
from orders.payments.ports import PaymentRecords
from orders.payments.sandbox import SandboxPayments
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.runtime.secrets import Secrets
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings:
    """`payment_provider` and `stripe_secret` are as those of the checkout."""

    orders_table: str
    products_table: str
    notifications_table: str
    shards: int
    payment_provider: str
    stripe_secret: str


def build(settings: Settings) -> Handler:
    """Wire the function."""
    client = aws.client("dynamodb", attempts=4)
    orders = Table(settings.orders_table, client, shards=settings.shards)
    records = DynamoRecords(
        orders,
        Table(settings.products_table, client),
        Table(settings.notifications_table, client),
    )
    reconciliation = Reconciliation(records, _payments(settings, orders))
    return task(lambda _tick, deadline: reconciliation.run(deadline))


def _payments(settings: Settings, ledger: Table) -> PaymentRecords:
    if settings.payment_provider == "stripe":
        # As in the checkout.
        from orders.payments.stripe import StripePayments

        return StripePayments(Secrets(aws.client("ssm", attempts=2), settings.stripe_secret))
    return SandboxPayments(ledger)


handler = Entry(build, Settings)
