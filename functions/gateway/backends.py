"""The services behind the API: where they are, and how they are."""

import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from shared.calls.internal import is_throttled
from shared.runtime import logging
from shared.web.health import Kept
from shared.web.rest_events import get_event

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

type Health = dict[str, Any]


class Backends(Protocol):
    """Asks the services how they are."""

    @property
    def services(self) -> Collection[str]:
        """Their names."""

    def health(self) -> dict[str, Health]:
        """What each service said of itself in the last few seconds; of one that says nothing usable
        `{"status": "unavailable"}`, of one that Lambda did not let ask `{"status":
        "throttled"}`."""


class LambdaBackends:
    """Asks each service's API function for `GET /health/<service>`, all at once: the answer of the
    public route. The answers are kept for three seconds.

    Args:
        lambda_: a client whose time-outs are the deadline, and which does not repeat calls by
            itself.
        functions: the API functions' names, by service.
    """

    def __init__(self, lambda_: "LambdaClient", functions: Mapping[str, str]) -> None:
        self._lambda = lambda_
        self._functions = functions
        self._kept = Kept[dict[str, Health]]()

    @property
    def services(self) -> Collection[str]:
        return self._functions.keys()

    def health(self) -> dict[str, Health]:
        return self._kept.get(self._ask_all)

    def _ask_all(self) -> dict[str, Health]:
        request_id = logging.request_id()  # the threads do not share the context
        with ThreadPoolExecutor(len(self._functions)) as pool:
            asked = {
                service: pool.submit(self._ask, service, function, request_id)
                for service, function in self._functions.items()
            }
        answers: dict[str, Health] = {}
        for service, answer in asked.items():
            try:
                answers[service] = answer.result()
            except (BotoCoreError, ClientError, LookupError, TypeError, ValueError) as cause:
                logging.logger().warning("%s is unavailable: %s", service, type(cause).__name__)
                # For want of Lambda's capacity, other requests cannot reach the service either.
                answers[service] = {"status": "throttled" if is_throttled(cause) else "unavailable"}
        return answers

    def _ask(self, service: str, function: str, request_id: str) -> Health:
        headers = {"Host": "gateway.internal", "X-Request-ID": request_id}
        event = get_event(f"/health/{service}", headers)
        response = self._lambda.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        answer = json.loads(response["Payload"].read())
        if "FunctionError" in response or answer["statusCode"] != 200:
            raise ValueError("the function did not answer for its service")
        health: Health = json.loads(answer["body"])
        if not isinstance(health["status"], str):
            raise TypeError("not a health report")
        return health
