"""Response bodies of queues."""

from typing import Annotated

from pydantic import BaseModel

from operations.queues.models import QUEUES
from shared.web.fields import ResponseBody, Time, listed, omitted_if_none

QueueName = Annotated[str, listed(QUEUES)]


class QueueResponse(ResponseBody):
    """A queue's messages, as SQS estimates them.

    `waiting`: a worker may receive them now. `in_flight`: a worker has received them. `delayed`: a
    worker has sent them again, for later. `dead_letters`: were given up.
    """

    name: QueueName
    waiting: int
    in_flight: int
    delayed: int
    dead_letters: int


class QuarantinedResponse(BaseModel):
    """How many events of a service were not published, because they are invalid."""

    service: str
    events: int


class QueueListResponse(BaseModel):
    """All queues, and the services' quarantined events."""

    queues: list[QueueResponse]
    quarantined: list[QuarantinedResponse]


class DeadLetterResponse(ResponseBody):
    """A message that was given up. `event_type`, `event_id` and `request_id` are left out where it
    is no event."""

    id: str
    at: Time
    event_type: str | None = omitted_if_none()
    event_id: str | None = omitted_if_none()
    request_id: str | None = omitted_if_none()
    reason: str


class DeadLetterListResponse(BaseModel):
    """Up to ten dead letters, and the estimated number of all."""

    dead_letters: list[DeadLetterResponse]
    count: int


class RedriveResponse(BaseModel):
    """How many messages were moved back, 100 at most: repeat while dead letters are left."""

    moved: int


class PurgeResponse(BaseModel):
    """Nothing: SQS deletes the messages within a minute."""
