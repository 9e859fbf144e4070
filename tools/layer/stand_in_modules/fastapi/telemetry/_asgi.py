"""What of FastAPI's telemetry stands round an application; see the package."""


class NativeTelemetry:
    def __init__(self, config: object) -> None:
        """What FastAPI's own takes."""

    def enabled(self) -> bool:
        return False


def ExceptionTelemetryMiddleware[App](app: App) -> App:  # noqa: N802  # FastAPI makes one as of a class
    """No layer of its own round the application: it would only look on."""
    return app


def _legacy_otel(_stack: object) -> bool:
    return False
