"""What a timeline is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

type Kind = Literal["event", "work", "email", "stock", "trace", "late", "error"]
"""What a row is about; `late` is what is retried."""


@dataclass(frozen=True)
class Step:
    """A call that was made while the work of a row was done; with the class of its error."""

    name: str
    seconds: float | None
    error: str = ""


@dataclass(frozen=True)
class Row:
    """Something that happened.

    Attributes:
        at: when it began.
        where: a function, or a table.
        seconds: how long it took, if that is known.
        request_id: of the request that has caused it.
    """

    at: datetime
    where: str
    text: str
    kind: Kind = "work"
    seconds: float | None = None
    steps: tuple[Step, ...] = ()
    request_id: str = ""


def moment(text: str) -> datetime:
    """A time as the tables and the logs have it."""
    return datetime.fromisoformat(text)
