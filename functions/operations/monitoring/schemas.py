"""Response bodies of circuits, alarms and metrics."""

from typing import Annotated, Final

from pydantic import BaseModel

from operations.monitoring.cloudwatch import ALARM_STATES, SERIES
from shared.web.fields import ResponseBody, Time, listed, omitted_if_none

CIRCUIT_STATES: Final = ("closed", "open", "half_open")


class CircuitResponse(ResponseBody):
    """Whether calls to the service `name` are made: all (closed), none (open), or one to probe."""

    name: str
    state: Annotated[str, listed(CIRCUIT_STATES)]
    opened_at: Time | None = omitted_if_none()


class CircuitListResponse(BaseModel):
    """The circuits that all environments share."""

    circuits: list[CircuitResponse]


class AlarmResponse(ResponseBody):
    """An alarm of this shop. `runbook` is the page of what to do."""

    name: str
    state: Annotated[str, listed(ALARM_STATES)]
    since: Time
    reason: str
    runbook: str


class AlarmListResponse(BaseModel):
    """All alarms of this shop, those that ring first."""

    alarms: list[AlarmResponse]


class PointResponse(ResponseBody):
    """A value of the period that begins at `at`."""

    at: Time
    value: float


class SeriesResponse(ResponseBody):
    """A figure over time. A period without a point had no requests, or no such order."""

    name: Annotated[str, listed(SERIES)]
    unit: Annotated[str, listed(("count", "milliseconds"))]
    points: list[PointResponse]


class MetricsResponse(BaseModel):
    """All figures, each with points of the same period."""

    period_seconds: int
    series: list[SeriesResponse]
