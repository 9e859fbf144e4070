"""Queues and their dead letters, as an admin sees them."""

from dataclasses import dataclass
from typing import Final

QUEUES: Final = ("checkout", "notifications")


@dataclass(frozen=True)
class QueueUrls:
    """A queue and its dead-letter queue."""

    source: str
    dead_letters: str


@dataclass(frozen=True)
class QueueDepth:
    """How many messages a queue has; SQS estimates each number.

    Attributes:
        waiting: those that a worker may receive now.
        in_flight: those that a worker has received.
        delayed: those that are sent again later.
        dead_letters: those that were given up.
    """

    name: str
    waiting: int
    in_flight: int
    delayed: int
    dead_letters: int


@dataclass(frozen=True)
class DeadLetter:
    """A message that was given up, without its body, which has personal data.

    Attributes:
        at: when it was written; where SQS itself moved it, when it was first sent.
        event_type, event_id, request_id: None where the message is no event.
    """

    id: str
    at: str
    event_type: str | None
    event_id: str | None
    request_id: str | None
    reason: str
