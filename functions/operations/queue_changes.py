"""Lambda entry for HTTP: moves dead letters back to their queue, or deletes them.

A separate function, so that no other one that admins call may change a queue.
"""

from fastapi import APIRouter

from operations.queues.errors import PurgeInProgress, QueueNotFound
from operations.queues.routes import QueuePath, Queues
from operations.queues.schemas import PurgeResponse, RedriveResponse
from operations.queues.settings import QueuesSettings
from operations.queues.sqs import SqsQueues
from shared.auth.access import allow
from shared.runtime import aws, logging
from shared.runtime.entry import Entry, Handler
from shared.web.app import create_service_app, lambda_handler
from shared.web.responses import problems
from shared.web.routing import Authenticated, GuardedRoute

router = APIRouter(tags=["operations"], route_class=GuardedRoute)


@router.post(
    "/api/v1/operations/queues/{queue}/redrive",
    status_code=202,
    operation_id="redriveDeadLetters",
    summary="Move up to 100 dead letters back to their queue, whose worker handles them again",
    responses=problems({QueueNotFound: "the shop has no such queue"}),
)
@allow("admin")
async def redrive(queue: QueuePath, caller: Authenticated, queues: Queues) -> RedriveResponse:
    moved = queues.redrive(queue)
    logging.logger().warning(
        "an admin moved %d dead letters of %s back", moved, queue, extra={"caller_id": caller.id}
    )
    return RedriveResponse(moved=moved)


@router.post(
    "/api/v1/operations/queues/{queue}/purge",
    status_code=202,
    operation_id="purgeDeadLetters",
    summary="Delete all dead letters of a queue",
    responses=problems(
        {
            QueueNotFound: "the shop has no such queue",
            PurgeInProgress: "SQS purges a queue once a minute",
        }
    ),
)
@allow("admin")
async def purge(queue: QueuePath, caller: Authenticated, queues: Queues) -> PurgeResponse:
    queues.purge(queue)
    logging.logger().warning(
        "an admin purged the dead letters of %s", queue, extra={"caller_id": caller.id}
    )
    return PurgeResponse()


Settings = QueuesSettings


def build(settings: Settings) -> Handler:
    """Wire the function."""
    # A receive waits a second for messages.
    queues = SqsQueues(aws.client("sqs", read=3, attempts=2), settings.queues)
    dynamodb = aws.client("dynamodb")
    return lambda_handler(
        create_service_app("operations", router, settings, dynamodb, queues=queues)
    )


handler = Entry(build, Settings)
