"""Lambda entry for HTTP: orders, from placing to delivery, their refunds and their returns."""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter

from orders.clients import CustomersClient, ReservationsClient
from orders.refunds.repository import DynamoRefunds
from orders.refunds.routes import router as refunds_router
from orders.refunds.service import RefundService
from orders.repository import DynamoOrders
from orders.returns.repository import DynamoReturns
from orders.returns.routes import router as returns_router
from orders.returns.service import ReturnService
from orders.routes import router as orders_router
from orders.service import OrderService
from shared.calls.breaker import CircuitBreaker
from shared.calls.circuit_store import BackoffStore, DynamoCircuits
from shared.calls.internal import InternalClient
from shared.contracts.directory import UserNotFound
from shared.contracts.inventory import REFUSALS
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import ApiSettings
from shared.storage.dynamodb import Table
from shared.web.app import create_service_app, lambda_handler
from shared.web.routing import GuardedRoute


@dataclass(frozen=True)
class Settings(ApiSettings):
    """`users_directory` and `products_inventory` are the names of the functions that are called.

    Unless `confirmed_email_needed` is "false", customers order with a confirmed address only. They
    return what they got within `return_days` of its delivery.
    """

    users_directory: str
    products_inventory: str
    confirmed_email_needed: str
    return_days: int


router = APIRouter(route_class=GuardedRoute)
router.routes.extend([*orders_router.routes, *refunds_router.routes, *returns_router.routes])


def build(settings: Settings) -> Handler:
    """Wire the function."""
    # Longer than the 6 s of the called function after a cold start; both calls and the table's
    # calls together take less than our own 28 s. One attempt: the client retries with its key.
    lambda_ = aws.client("lambda", connect=0.5, read=8, attempts=1)
    # A circuit store that does not answer must not delay calls to healthy services.
    circuits_client = aws.client("dynamodb", connect=0.2, read=0.2, attempts=1)
    circuits = BackoffStore(DynamoCircuits(Table(settings.table_name, circuits_client)))
    client = aws.client("dynamodb", connect=0.5, read=1, attempts=2)
    table = Table(settings.table_name, client, shards=settings.shards)
    orders = DynamoOrders(table)
    service = OrderService(
        orders,
        CustomersClient(
            InternalClient(lambda_, settings.users_directory, refusals=(UserNotFound,)),
            CircuitBreaker("users", circuits),
        ),
        ReservationsClient(
            InternalClient(lambda_, settings.products_inventory, refusals=REFUSALS),
            CircuitBreaker("products", circuits),
        ),
        needs_confirmed_email=settings.confirmed_email_needed != "false",
    )
    refunds = RefundService(service, DynamoRefunds(table, orders))
    period = timedelta(days=settings.return_days)
    returns = ReturnService(service, DynamoReturns(table, orders), period=period)
    return lambda_handler(
        create_service_app(
            "orders",
            router,
            settings,
            table.client,
            service=service,
            refunds=refunds,
            returns=returns,
        )
    )


handler = Entry(build, Settings)
