"""Circuits, alarms and metrics over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from operations.monitoring.circuits import Circuits
from operations.monitoring.cloudwatch import CloudWatch
from operations.monitoring.schemas import (
    AlarmListResponse,
    AlarmResponse,
    CircuitListResponse,
    CircuitResponse,
    MetricsResponse,
    SeriesResponse,
)
from shared.auth.access import allow
from shared.web.routing import GuardedRoute, state

router = APIRouter(tags=["operations"], route_class=GuardedRoute)

Watch = Annotated[CloudWatch, state("cloudwatch")]


@router.get(
    "/api/v1/operations/circuits",
    operation_id="listCircuits",
    summary="Show whether calls between services are made or refused",
)
@allow("admin")
async def list_circuits(circuits: Annotated[Circuits, state("circuits")]) -> CircuitListResponse:
    return CircuitListResponse(circuits=[CircuitResponse.of(one) for one in circuits.all()])


@router.get(
    "/api/v1/operations/alarms",
    operation_id="listAlarms",
    summary="List the shop's alarms and their states",
)
@allow("admin")
async def list_alarms(cloudwatch: Watch) -> AlarmListResponse:
    return AlarmListResponse(alarms=[AlarmResponse.of(one) for one in cloudwatch.alarms()])


@router.get(
    "/api/v1/operations/metrics",
    operation_id="getMetrics",
    summary="Show requests, errors, latency and orders over the last hours",
)
@allow("admin")
async def get_metrics(
    cloudwatch: Watch,
    hours: Annotated[int, Query(ge=1, le=24, description="How many hours back.")] = 3,
) -> MetricsResponse:
    period, series = cloudwatch.metrics(hours)
    return MetricsResponse(period_seconds=period, series=[SeriesResponse.of(one) for one in series])
