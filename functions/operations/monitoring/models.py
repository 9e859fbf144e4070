"""What CloudWatch and the store of circuits have of the shop."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CircuitReport:
    """A circuit; `opened_at` unless it is closed."""

    name: str
    state: str
    opened_at: str | None


@dataclass(frozen=True)
class AlarmReport:
    """An alarm, its state, and the page that says what to do."""

    name: str
    state: str
    since: str
    reason: str
    runbook: str


@dataclass(frozen=True)
class Point:
    """A value of the period that begins at `at`."""

    at: str
    value: float


@dataclass(frozen=True)
class Series:
    """A figure over time, oldest point first."""

    name: str
    unit: str
    points: tuple[Point, ...]
