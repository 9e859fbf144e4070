"""X-Ray subsegments for AWS calls, where a deployment asks for them."""

import os


def start() -> None:
    """Trace this function's AWS calls if `TRACING` says `Active`; the SDK for it is loaded only then."""
    if os.environ.get("TRACING") == "Active":
        from aws_lambda_powertools import Tracer

        Tracer(patch_modules=["botocore"])
