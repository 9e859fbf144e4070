"""A Lambda context."""

from dataclasses import dataclass

from shared.calls.deadline import Deadline


@dataclass
class LambdaContext:
    """What Bodega and Powertools read of one; `remaining_ms` is what is left of the function's
    time-out."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id: str = "invocation-1"
    remaining_ms: float = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_ms)


def a_deadline(seconds: float = 60) -> Deadline:
    """One that comes no nearer."""
    return Deadline(lambda: seconds)
