"""How long a function may work, so that it returns before Lambda ends it."""

from collections.abc import Callable
from typing import Any, Self


class Deadline:
    """When work has to end.

    Args:
        seconds_left: the seconds until then; negative when it has passed.
    """

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        self.seconds_left = seconds_left

    @classmethod
    def of(cls, lambda_context: Any) -> Self:
        """When Lambda stops the invocation."""
        return cls(lambda: lambda_context.get_remaining_time_in_millis() / 1000)

    def allows(self, seconds: float) -> bool:
        """Whether so many seconds are left."""
        return self.seconds_left() >= seconds

    def share(self, parts: int) -> "Deadline":
        """The deadline of the first of so many equal parts of the time that is left now."""
        others = self.seconds_left() * (parts - 1) / parts
        return Deadline(lambda: self.seconds_left() - others)
