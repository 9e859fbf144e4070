"""Whether a function's requests are in X-Ray's traces."""

import os
from typing import Any

from shared.runtime import aws


def start() -> None:
    """Record this function's AWS calls and steps if `TRACING` says `Active`; the code for it is
    loaded only then. Otherwise the functions that this one calls are not traced either."""
    if os.environ.get("TRACING") == "Active":
        from shared.runtime import subsegments

        subsegments.record(aws.clients())
        return
    for client in aws.clients():
        client.meta.events.register_first(
            "before-call.lambda.Invoke", _decide_against_a_trace, unique_id="untraced"
        )


def _decide_against_a_trace(params: dict[str, Any], **_: Any) -> None:
    """A function with Active tracing decides by itself if its caller has not: Lambda traces the
    first invocation of each second."""
    trace = os.environ.get("_X_AMZN_TRACE_ID", "")
    if trace and "Sampled=" not in trace:
        params["headers"]["X-Amzn-Trace-Id"] = f"{trace};Sampled=0"
