"""Lambda entry for HTTP: shows admins how the system is. It changes nothing."""

from dataclasses import dataclass

from fastapi import APIRouter

from operations.monitoring.circuits import Circuits
from operations.monitoring.cloudwatch import CloudWatch
from operations.monitoring.routes import router as monitoring_router
from operations.queues.quarantine import QuarantinedEvents
from operations.queues.routes import router as queues_router
from operations.queues.settings import QueuesSettings
from operations.queues.sqs import SqsQueues
from shared.calls.circuit_store import DynamoCircuits
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.storage.dynamodb import Table
from shared.web.app import create_service_app, lambda_handler
from shared.web.routing import GuardedRoute


@dataclass(frozen=True)
class Settings(QueuesSettings):
    """`table_name` is that of orders, which has the circuits. `stack` and `stage` name the shop's
    alarms and metrics."""

    users_table: str
    products_table: str
    stack: str
    stage: str


router = APIRouter(route_class=GuardedRoute)
router.routes.extend([*monitoring_router.routes, *queues_router.routes])


def build(settings: Settings) -> Handler:
    """Wire the function."""
    dynamodb = aws.client("dynamodb")
    tables = {
        "users": settings.users_table,
        "products": settings.products_table,
        "orders": settings.table_name,
    }
    return lambda_handler(
        create_service_app(
            "operations",
            router,
            settings,
            dynamodb,
            circuits=Circuits(DynamoCircuits(Table(settings.table_name, dynamodb))),
            cloudwatch=CloudWatch(
                aws.client("cloudwatch", read=3, attempts=2), settings.stack, settings.stage
            ),
            # A receive waits a second for messages.
            queues=SqsQueues(aws.client("sqs", read=3, attempts=2), settings.queues),
            quarantine=QuarantinedEvents(dynamodb, tables),
        )
    )


handler = Entry(build, Settings)
