"""Time as the whole shop writes it: RFC 3339 in UTC, to the millisecond, so that text sorts as
time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-20T08:30:00.000Z`: fixed width, so that lexical order is the order in time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970, as DynamoDB's TTL wants them."""
    return int(moment.timestamp())
