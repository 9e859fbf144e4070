"""Errors of queues that a client receives."""

from shared.errors import Conflict, NotFound


class QueueNotFound(NotFound):
    """The shop has no such queue."""

    code, title = "queue-not-found", "There is no such queue"


class PurgeInProgress(Conflict):
    """SQS purges a queue once in 60 seconds."""

    code, title = "purge-in-progress", "The queue was purged less than a minute ago"
