"""Queues and dead letters over HTTP, to look at."""

from typing import Annotated

from fastapi import APIRouter, Path

from operations.queues.errors import QueueNotFound
from operations.queues.models import QUEUES
from operations.queues.quarantine import QuarantinedEvents
from operations.queues.schemas import (
    DeadLetterListResponse,
    DeadLetterResponse,
    QuarantinedResponse,
    QueueListResponse,
    QueueResponse,
)
from operations.queues.sqs import SqsQueues
from shared.auth.access import allow
from shared.web.responses import problems
from shared.web.routing import GuardedRoute, state

router = APIRouter(tags=["operations"], route_class=GuardedRoute)

Queues = Annotated[SqsQueues, state("queues")]
# The document lists the names; another one is a queue that does not exist.
QueuePath = Annotated[
    str, Path(description="The queue's name.", json_schema_extra={"enum": list(QUEUES)})
]


@router.get(
    "/api/v1/operations/queues",
    operation_id="listQueues",
    summary="Count the messages of each queue, and the events in quarantine",
)
@allow("admin")
async def list_queues(
    queues: Queues, quarantine: Annotated[QuarantinedEvents, state("quarantine")]
) -> QueueListResponse:
    return QueueListResponse(
        queues=[QueueResponse.of(depth) for depth in queues.depths()],
        quarantined=[
            QuarantinedResponse(service=service, events=number)
            for service, number in quarantine.counts().items()
        ],
    )


@router.get(
    "/api/v1/operations/queues/{queue}/dead-letters",
    operation_id="listDeadLetters",
    summary="Show up to ten dead letters of a queue, without their personal data",
    responses=problems({QueueNotFound: "the shop has no such queue"}),
)
@allow("admin")
async def list_dead_letters(queue: QueuePath, queues: Queues) -> DeadLetterListResponse:
    letters = queues.dead_letters(queue)
    return DeadLetterListResponse(
        dead_letters=[DeadLetterResponse.of(letter) for letter in letters],
        # The estimate may lag behind.
        count=max(queues.count(queue), len(letters)),
    )
