"""The error of the log-in throttle."""

from collections.abc import Mapping

from shared.errors import BodegaError


class TooManyAttempts(BodegaError):
    """Too many attempts failed. `retry_after` is in seconds."""

    status, code, title = 429, "too-many-attempts", "Too many failed attempts"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(f"Try again in {retry_after} s.")
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)}
