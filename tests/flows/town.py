"""The whole shop in this process: the functions of the template, each on its own real graph, on a mocked account.

What AWS does between them is done here when a test asks for it: requests find their function, streams reach the
relays, the topic's messages their queues, queues their workers, and calls the functions that they name, all as the
template says. So nothing happens behind a test's back, and a test may lose, repeat and turn round what it likes.
"""

import contextvars
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import batched
from types import SimpleNamespace
from typing import Any, Self

import httpx
from botocore.exceptions import ClientError

from shared import aws, settings
from shared.entry import Handler
from tests.flows import backstage
from tests.flows.stack import QUEUES, deploy, function_at, sources
from tests.support.context import LambdaContext
from tests.support.functions import FUNCTIONS
from tests.support.http import rest_event
from tests.support.internal import LocalFunctions

_MOST_ROUNDS = 30
_INVOKED = re.compile(r"/functions/([^/]+)/invocations")
_STREAMS = [
    (table, relay, source["BatchSize"], [f["Pattern"] for f in source["FilterCriteria"]["Filters"]])
    for table, relay, source in sources("DynamoDB", "Stream")
]


class Town:
    """The shop, and the managed services round it.

    `functions` are what the `lambda` client reaches: take one away and it is down.
    """

    def __init__(self) -> None:
        self.functions = self._all_functions()
        self._built: dict[str, Handler] = {}
        self._refused: dict[str, str] = {}
        # Before any client is made: clients take the session's hooks over at their making.
        aws._session().events.register("before-call", self._called)
        self._names = deploy()
        self._sqs = aws._session().client("sqs")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        aws._session().events.unregister("before-call", self._called)

    def _all_functions(self) -> LocalFunctions:
        def handler(name: str) -> Handler:
            return lambda event, _: self.invoke(name, event)

        return LocalFunctions({name: handler(name) for name in FUNCTIONS})

    def remember(self) -> Callable[[], None]:
        """What brings the town back to how it is now, before anything was published."""
        restore_storage = backstage.remember()

        def restore() -> None:
            restore_storage()
            self.functions = self._all_functions()
            # What an environment remembers of its circuits would outlive the table.
            self._built.pop("OrdersApi", None)

        return restore

    def restart(self, name: str) -> None:
        """A new environment of the function, which remembers nothing but what is stored."""
        module = FUNCTIONS[name].module
        environment = {
            variable: self._names[value["Ref"]]
            for variable, value in FUNCTIONS[name].properties["Environment"]["Variables"].items()
            if isinstance(value, dict)
        }
        self._built[name] = module.build(settings.read(module.Settings, environment))

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run a function as in a process of its own: nothing but JSON goes in and comes out."""
        if name not in self._built:
            self.restart(name)
        sent = json.loads(json.dumps(event))
        context = LambdaContext(function_name=name)
        answer = contextvars.Context().run(self._built[name], sent, context)
        return json.loads(json.dumps(answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The API, as the handler of an httpx transport."""
        function = function_at(request.method, request.url.path)
        event = rest_event(
            request.method,
            request.url.raw_path.decode(),
            body=request.content.decode() or None,
            headers=dict(request.headers),
        )
        given = self.invoke(function, event)
        return httpx.Response(given["statusCode"], headers=given["headers"], text=given["body"])

    def publish(self) -> int:
        """Bring what is new in the tables to the relays, and return how much it was.

        What a relay gives back is not brought to it again, as if its attempts were used up.
        """
        taken = 0
        for table, relay, batch_size, patterns in _STREAMS:
            records = [
                record
                for record in backstage.take_stream_records(table)
                if any(backstage.matches(record, pattern) for pattern in patterns)
            ]
            for batch in batched(records, batch_size, strict=False):
                self.invoke(relay, {"Records": batch})
            taken += len(records)
        return taken

    def deliver(self, queue: str, *, times: int = 1, backwards: bool = False) -> int:
        """Hand all that a queue shows to its worker, and return how much the worker did not give back.

        What it gave back the queue shows again when it was put off to.
        """
        worker, source = QUEUES[queue]
        shown = self._shown(queue)
        copies = [message for message in shown[:: -1 if backwards else 1] for _ in range(times)]
        failed: list[str] = []
        for batch in batched(enumerate(copies), source["BatchSize"], strict=False):
            records = {f"m-{number}": _as_record(f"m-{number}", copy) for number, copy in batch}
            answer = self.invoke(worker, {"Records": list(records.values())})
            ids = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
            failed += [records[id_]["receiptHandle"] for id_ in ids]
        for handle in {message["ReceiptHandle"] for message in shown} - set(failed):
            self._sqs.delete_message(QueueUrl=self._names[queue], ReceiptHandle=handle)
        return len(copies) - len(failed)

    def _shown(self, queue: str) -> list[Any]:
        messages: list[Any] = []
        while more := self._sqs.receive_message(
            QueueUrl=self._names[queue], MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            messages += more
        return messages

    def send(self, queue: str, body: str) -> None:
        """Put a message into a queue, past the topic."""
        self._sqs.send_message(QueueUrl=self._names[queue], MessageBody=body)

    def settle(self) -> None:
        """Go on until nothing moves any more: what is still in a queue then was put off."""
        for _ in range(_MOST_ROUNDS):
            if not self.publish() + sum(self.deliver(queue) for queue in QUEUES):
                return
        raise AssertionError("the shop does not come to rest")

    def tick(self, sweeper: str) -> None:
        """The schedule calls a sweeper."""
        assert FUNCTIONS[sweeper].events("Schedule")
        self.invoke(sweeper, {"detail-type": "Scheduled Event", "source": "aws.events"})

    @contextmanager
    def refusing(self, operation: str, about: str = "") -> Iterator[None]:
        """AWS refuses an operation (`sns.Publish`) wherever its request names `about`. The SDK tries none again."""
        self._refused[operation] = about
        try:
            yield
        finally:
            del self._refused[operation]

    def _called(self, event_name: str, params: dict[str, Any], **_: Any) -> Any:
        """Before botocore signs and sends a request: what is returned here is taken for its answer."""
        operation = event_name.removeprefix("before-call.")
        about = self._refused.get(operation)
        if about is not None and about in str(params["body"]):
            error: Any = {"Error": {"Code": "AccessDenied", "Message": "The test wants it so."}}
            raise ClientError(error, operation)
        if operation != "lambda.Invoke":
            return None
        [function] = _INVOKED.findall(params["url_path"])
        answer = self.functions.invoke(FunctionName=function, Payload=params["body"])
        return SimpleNamespace(status_code=200), answer


def _as_record(id_: str, message: Any) -> dict[str, Any]:
    """A message as it was received from its queue, as Lambda hands it to a function."""
    return {
        "messageId": id_,
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
    }
