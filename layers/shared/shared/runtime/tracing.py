"""X-Ray subsegments for AWS calls, where a deployment asks for them."""

import logging
import os
from typing import Any


def start() -> None:
    """Trace this function's AWS calls if `TRACING` says `Active`; the SDK for it is loaded only
    then."""
    if os.environ.get("TRACING") != "Active":
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
