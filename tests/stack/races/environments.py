"""The shop's functions in this process, on a deployed stack's AWS.

The handlers are those of the Lambda entries, built from the variables of the deployment. Each
function has as many environments as run at once, and each serves one event at a time, as in Lambda.
"""

import contextvars
import io
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final, Self

import httpx
import pytest

from shared.contracts.events import Event
from shared.runtime import aws, logging, settings
from shared.runtime.entry import Handler
from tests.simulation.resources import function_at
from tests.stack.races.conflicts import Conflicts
from tests.support.context import LambdaContext
from tests.support.functions import FUNCTIONS, function_called
from tests.support.http import rest_event
from tests.support.internal import LocalFunctions
from tools.local.shop import Shop
from tools.local.stack import environment_variables

_LONG: Final = 3600
_INVOKED: Final = re.compile(r"/functions/([^/]+)/invocations")


class Environments:
    """The functions by their names in the template; `conflicts` are between them and DynamoDB."""

    def __init__(self, shop: Shop) -> None:
        deployed = shop.stack()
        self.variables = environment_variables(deployed)
        self._process_environment = {
            **shop.environment,
            "POWERTOOLS_METRICS_DISABLED": "true",
        }
        self.conflicts = Conflicts()
        self._invoked = LocalFunctions(
            {deployed.functions[name]: self._handler(name) for name in FUNCTIONS}
        )
        self._free: dict[str, list[Handler]] = defaultdict(list)
        self._making = threading.Lock()
        self._reports_age = True

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """This process's AWS is the shop's."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self._process_environment.items():
                patch.setenv(name, value)
            # A session keeps the credentials that it was made with.
            aws._session.cache_clear()
            events = aws._session().events
            events.register("before-call.lambda.Invoke", self._called)
            self.conflicts.watch(events)
            # All environments share this process's logger.
            level = logging.logger().log_level
            logging.logger().setLevel("ERROR")
            try:
                yield self
            finally:
                logging.logger().setLevel(level)
                aws._session.cache_clear()

    def prepare(self, number: int) -> None:
        """Make so many environments of each function beforehand, so that requests meet."""
        for name in ("OrdersApi", "UsersDirectory", "ProductsInventory", "ProductsApi", "UsersApi"):
            for _ in range(number - len(self._free[name])):
                self._free[name].append(self._made(name))

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run the function in a free environment, or in a new one."""
        handler = self._environment(name)
        try:
            return contextvars.Context().run(handler, event, LambdaContext(function_name=name))
        finally:
            self._free[name].append(handler)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The API, as the handler of an httpx transport."""
        event = rest_event(
            request.method,
            request.url.raw_path.decode(),
            body=request.content.decode() or None,
            headers=dict(request.headers),
        )
        given = self.invoke(function_at(request.method, request.url.path), event)
        return httpx.Response(given["statusCode"], headers=given["headers"], text=given["body"])

    @contextmanager
    def without_locks(self) -> Iterator[None]:
        """Report every reservation as an old one: concurrent requests with one key all continue."""
        self._reports_age = False
        try:
            yield
        finally:
            self._reports_age = True

    def deliver(self, fact: Event) -> str:
        """Hand the event to OrdersCheckout, as its queue does; "done" or "failed"."""
        record = {
            "messageId": fact.id,
            # The message is in no queue: a failed one is not delivered again.
            "receiptHandle": "none",
            "body": fact.model_dump_json(),
            "attributes": {"ApproximateReceiveCount": "1"},
            "eventSource": "aws:sqs",
        }
        answer = self.invoke("OrdersCheckout", {"Records": [record]})
        return "failed" if answer["batchItemFailures"] else "done"

    def _environment(self, name: str) -> Handler:
        try:
            return self._free[name].pop()
        except IndexError:
            return self._made(name)

    def _made(self, name: str) -> Handler:
        module = FUNCTIONS[name].module
        read = settings.read(module.Settings, self.variables[name])
        # A session makes one client at a time, and an app's first request changes warning filters.
        with self._making:
            handler: Handler = module.build(read)
            if name.endswith("Api"):
                service = module.__name__.partition(".")[0]
                handler(rest_event("GET", f"/health/{service}"), LambdaContext())
        return handler

    def _handler(self, name: str) -> Handler:
        return lambda event, _: self.invoke(name, event)

    def _called(self, params: dict[str, Any], **_: Any) -> Any:
        """Answer a call between functions before botocore sends it."""
        [function] = _INVOKED.findall(params["url_path"])
        answer = self._invoked.invoke(
            FunctionName=function_called(function), Payload=params["body"]
        )
        if not self._reports_age:
            body = json.load(answer["Payload"])
            reservation = body.get("answer") or {}
            if reservation.get("held_seconds_ago") is not None:
                reservation["held_seconds_ago"] = _LONG
            answer["Payload"] = io.BytesIO(json.dumps(body).encode())
        return SimpleNamespace(status_code=200), answer
