"""X-Ray subsegments for AWS calls, where a deployment asks for them."""

import logging
import os
from typing import Any

from shared.runtime import aws


def start() -> None:
    """Trace this function's AWS calls if `TRACING` says `Active`; the SDK for it is loaded only
    then. Otherwise the functions that this one calls are not traced either."""
    if os.environ.get("TRACING") != "Active":
        for client in aws.clients():
            client.meta.events.register_first(
                "before-call.lambda.Invoke", _decide_against_a_trace, unique_id="untraced"
            )
        return
    from aws_lambda_powertools import Tracer
    from aws_xray_sdk.core import xray_recorder
    from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter

    class Emitter(UDPEmitter):  # type: ignore[misc]  # the SDK has no types
        """Sends an error's type and the lines of code: AWS's text may repeat what was asked."""

        def send_entity(self, entity: Any) -> None:
            if isinstance(entity.cause, dict):
                for error in entity.cause.get("exceptions", ()):
                    error.message = None
            super().send_entity(entity)

    Tracer(patch_modules=["botocore"])
    xray_recorder.configure(emitter=Emitter())
    # It warns at every call of an invocation without a trace.
    logging.getLogger("aws_xray_sdk").setLevel("ERROR")


def _decide_against_a_trace(params: dict[str, Any], **_: Any) -> None:
    """A function with Active tracing decides by itself if its caller has not: Lambda traces the
    first invocation of each second."""
    trace = os.environ.get("_X_AMZN_TRACE_ID", "")
    if trace and "Sampled=" not in trace:
        params["headers"]["X-Amzn-Trace-Id"] = f"{trace};Sampled=0"
