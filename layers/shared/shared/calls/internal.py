"""Queries and commands between services: a named, private Lambda function, called with a deadline
and an answer typed on both sides. A refusal (out of stock, say) travels as its code and data and is
raised again at the caller."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from shared.errors import BodegaError, Contended, TemporaryFailure
from shared.runtime import logging, metrics, steps
from shared.runtime.entry import Handler

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


# The refusal of every function that could not write because of concurrent requests. Its own code is
# the one of a service that is down.
_CONTENDED: Final = "contended"
# The name of a call that only starts an environment (shared.runtime.waking).
_WAKE: Final = "wake"


class Call(TypedDict):
    """What an internal function is invoked with."""

    name: str
    request_id: str
    body: dict[str, Any]


class CallFailed(TemporaryFailure):
    """The function was not reached, did not answer in time, or broke: nothing is known of what it
    did."""


class CallThrottled(TemporaryFailure):
    """Lambda had no capacity for one more invocation: the function did not run, and may be
    healthy."""


# What Lambda says where an account's, a function's or a subnet's quota is used up: other
# invocations still succeed. tests/shared/calls/test_internal.py compares this with all errors that
# Invoke is known to have.
_QUOTA_ERRORS: Final = frozenset(
    {
        "EC2ThrottledException",
        "ENILimitReachedException",
        "ServiceQuotaExceededException",
        "SubnetIPAddressLimitReachedException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def is_throttled(error: Exception) -> bool:
    """Whether Lambda refused an invocation because of a quota."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _QUOTA_ERRORS


class InternalClient:
    """Calls one internal function.

    Args:
        lambda_: a client whose read time-out is the call's deadline and which does not repeat calls
            by itself.
        function_name: the function, by name.
        refusals: the errors that the function may answer with; they are raised here as they were
            there.
    """

    def __init__(
        self,
        lambda_: "LambdaClient",
        function_name: str,
        *,
        refusals: tuple[type[BodegaError], ...] = (),
    ) -> None:
        self._lambda = lambda_
        self._function_name = function_name
        self._refusals: dict[str, type[BodegaError]] = {_CONTENDED: Contended}
        self._refusals |= {refusal.code: refusal for refusal in refusals}

    def call[A: BaseModel](self, name: str, body: BaseModel, answer: type[A]) -> A:
        """Ask the function to do `name` and return its answer.

        Raises:
            CallFailed, CallThrottled: see there.
            BodegaError: one of the refusals, or Contended.
        """
        call: Call = {
            "name": name,
            "request_id": logging.request_id(),
            "body": body.model_dump(mode="json"),
        }
        with steps.timed(name):
            return answer.model_validate(self._invoke(json.dumps(call).encode()))

    def _invoke(self, payload: bytes) -> Any:
        try:
            response = self._lambda.invoke(FunctionName=self._function_name, Payload=payload)
            answer = json.loads(response["Payload"].read())
        except (BotoCoreError, ClientError, ValueError) as cause:
            if isinstance(cause, ClientError) and is_throttled(cause):
                # Lambda's own word for the quota, where the error has one.
                quota = cause.response.get("Reason") or cause.response["Error"]["Code"]
                raise CallThrottled(f"{self._function_name}: {quota}") from cause
            raise CallFailed(f"{self._function_name}: {type(cause).__name__}") from cause
        if response.get("FunctionError") or not isinstance(answer, dict):
            reason = answer.get("errorType") if isinstance(answer, dict) else None
            raise CallFailed(f"{self._function_name}: {reason or 'it broke'}")
        if refusal := answer.get("refused"):
            error = self._refusals.get(refusal["code"])
            if error is None:
                raise CallFailed(f"{self._function_name} refused with {refusal['code']}")
            raise error(**refusal["data"])
        return answer["answer"]


def internal_handler(commands: Mapping[str, Callable[[dict[str, Any]], BaseModel]]) -> Handler:
    """The Lambda handler of an internal function.

    Args:
        commands: for each name, what parses the body, does the thing, and returns the answer.
    """

    def handle(event: Any, _context: Any) -> dict[str, Any]:
        call: Call = event
        if call["name"] == _WAKE:
            return {}
        logging.begin(call["request_id"], call=call["name"])
        try:
            answer = commands[call["name"]](call["body"])
        except BodegaError as refusal:
            code = _CONTENDED if isinstance(refusal, Contended) else refusal.code
            logging.logger().info("refused %s: %s", call["name"], code)
            return {"refused": {"code": code, "data": refusal.data}}
        finally:
            metrics.flush()
        logging.logger().debug("answered %s", call["name"])
        return {"answer": answer.model_dump(mode="json")}

    return handle
