"""What FastAPI's routing reports to telemetry about a request; see the package."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fastapi.telemetry import TelemetryConfig, TelemetryData, get_telemetry_data

__all__ = ["TelemetryConfig", "TelemetryData", "get_telemetry_data"]

_NOTHING = nullcontext()


def _operation(*, name: str, function: object = None) -> AbstractContextManager[None]:  # noqa: ARG001  # FastAPI's names
    return _NOTHING


def _run_sync_endpoint(*, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    return function(**arguments)


def _route_selected(**_: object) -> None:
    pass


def _validation_failed(_error: object) -> None:
    pass
