"""FastAPI's telemetry of OpenTelemetry, as it is where none is configured: it does nothing, and
calls nobody.

FastAPI's own finds that out by loading OpenTelemetry, which looks through the metadata of every
installed package. Bodega's traces are X-Ray's, and its metrics are log lines.
"""

from typing import Any

TelemetryConfig = dict[str, Any]


class TelemetryData:
    """What a request's telemetry would hold; there never is one."""


def get_telemetry_data(_context: object = None) -> None:
    """The data of the request at hand."""
