"""The whole shop in this process: the functions of the template, each on its own real graph, on a mocked account.

What AWS does between them is done here when a test asks for it: requests find their function, streams reach the
relays, the topic's messages their queues, queues their workers, and calls the functions that they name, all as the
template says. So nothing happens behind a test's back, and a test may lose, repeat and turn round what it likes.
"""

import contextvars
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import batched
from types import SimpleNamespace
from typing import Any, Self

import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.events.models import EventPattern

from shared import aws, settings
from shared.clock import rfc3339
from shared.contracts.events import Event
from shared.dynamodb import Table, from_wire, to_wire
from shared.entry import Handler
from tests.support.aws import make_table
from tests.support.context import LambdaContext
from tests.support.functions import FUNCTIONS
from tests.support.http import rest_event
from tests.support.internal import LocalFunctions
from tests.support.template import resources, template

_MOST_ROUNDS = 30
_MOST_MESSAGES = 10
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_EPOCH = range(1_500_000_000, 3_000_000_000)  # whole seconds that can be meant as a time
_INVOKED = re.compile(r"/functions/([^/]+)/invocations")

ROUTES = [
    (api["Method"], re.compile(re.sub(r"\{\w+\}", "[^/]+", api["Path"])), function.name)
    for function in FUNCTIONS.values()
    for api in function.events("Api")
    if "+" not in api["Path"]
]
STREAMS = [
    (source["Stream"]["Fn::GetAtt"].partition(".")[0], function.name, source)
    for function in FUNCTIONS.values()
    for source in function.events("DynamoDB")
]
QUEUES = {
    source["Queue"]["Fn::GetAtt"].partition(".")[0]: (function.name, source)
    for function in FUNCTIONS.values()
    for source in function.events("SQS")
}


class Town:
    """The shop, and the managed services round it.

    `functions` are what the `lambda` client reaches: take one away and it is down.
    """

    def __init__(self) -> None:
        self.functions = LocalFunctions(
            {name: lambda event, _, name=name: self.invoke(name, event) for name in FUNCTIONS}
        )
        self._built: dict[str, Handler] = {}
        self._seen = {table: 0 for table, *_ in STREAMS}
        self._refused: dict[str, str] = {}
        # Before any client is made: clients take the session's hooks over at their making.
        aws._session().events.register("before-call", self._called)
        self._streams = aws._session().client(
            "dynamodbstreams",
            # moto knows no endpoint of an account's own, which a stream's ARN would lead to.
            config=Config(account_id_endpoint_mode="disabled"),
        )
        self._sqs = aws._session().client("sqs")
        self.tables = {name: make_table(name) for name in resources("AWS::DynamoDB::Table")}
        self._names = {name: name for name in (*FUNCTIONS, *self.tables)} | self._made()

    def _made(self) -> dict[str, str]:
        """What the template's other resources are called, by logical id."""
        kms, sns, names = aws.client("kms"), aws.client("sns"), {}
        for name, key in resources("AWS::KMS::Key").items():
            made = kms.create_key(KeySpec=key["KeySpec"], KeyUsage=key["KeyUsage"])
            names[name] = made["KeyMetadata"]["KeyId"]
        for name in resources("AWS::SNS::Topic"):
            names[name] = sns.create_topic(Name=name)["TopicArn"]
        for name in QUEUES:
            names[name] = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        for subscription in resources("AWS::SNS::Subscription").values():
            queue = subscription["Endpoint"]["Fn::GetAtt"].partition(".")[0]
            sns.subscribe(
                TopicArn=names[subscription["TopicArn"]["Ref"]],
                Protocol=subscription["Protocol"],
                Endpoint=f"arn:aws:sqs:eu-west-1:123456789012:{queue}",
                Attributes={
                    "RawMessageDelivery": str(subscription["RawMessageDelivery"]).lower(),
                    "FilterPolicy": json.dumps(subscription["FilterPolicy"]),
                },
            )
        for identity in resources("AWS::SES::EmailIdentity").values():
            sender = _default(identity["EmailIdentity"]["Ref"])
            aws.client("sesv2").create_email_identity(EmailIdentity=sender)
        return names

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        aws._session().events.unregister("before-call", self._called)

    # ── What the cloud does ─────────────────────────────────────────────────────────────────────────────────────────

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run a function as a process of its own would: nothing but JSON goes in and comes out."""
        if name not in self._built:
            self.restart(name)
        sent = json.loads(json.dumps(event))
        context = LambdaContext(function_name=name)
        answer = contextvars.Context().run(self._built[name], sent, context)
        return json.loads(json.dumps(answer))

    def restart(self, name: str) -> None:
        """A new environment of the function, which remembers nothing but what is stored."""
        function = FUNCTIONS[name]
        variables = function.properties["Environment"]["Variables"]
        environment = {
            variable: self._names.get(value["Ref"]) or _default(value["Ref"])
            for variable, value in variables.items()
            if isinstance(value, dict)
        }
        module = function.module
        self._built[name] = module.build(settings.read(module.Settings, environment))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The API: for use as an httpx transport's handler."""
        name = next(
            name
            for method, path, name in ROUTES
            if method == request.method and path.fullmatch(request.url.path)
        )
        event = rest_event(
            request.method,
            request.url.raw_path.decode(),
            body=request.content.decode() or None,
            headers=dict(request.headers),
        )
        given = self.invoke(name, event)
        return httpx.Response(given["statusCode"], headers=given["headers"], text=given["body"])

    def publish(self) -> int:
        """Bring what is new in the tables to the relays, and return how much it was.

        What a relay gives back is not brought to it again, as if its attempts were used up.
        """
        taken = 0
        for table, relay, source in STREAMS:
            patterns = [json.loads(f["Pattern"]) for f in source["FilterCriteria"]["Filters"]]
            matchers = [EventPattern(None, pattern) for pattern in patterns]
            records = [r for r in self._new(table) if any(m.matches_event(r) for m in matchers)]
            for batch in batched(records, source["BatchSize"], strict=False):
                self.invoke(relay, {"Records": batch})
            taken += len(records)
        return taken

    def _new(self, table: str) -> list[dict[str, Any]]:
        [stream] = self._streams.list_streams(TableName=table)["Streams"]
        described = self._streams.describe_stream(StreamArn=stream["StreamArn"])
        iterator = self._streams.get_shard_iterator(
            StreamArn=stream["StreamArn"],
            ShardId=described["StreamDescription"]["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        records: Any = self._streams.get_records(ShardIterator=iterator)["Records"]
        new = records[self._seen[table] :]
        self._seen[table] = len(records)
        for record in new:
            created = record["dynamodb"]["ApproximateCreationDateTime"]
            record["dynamodb"]["ApproximateCreationDateTime"] = created.timestamp()
        return list(new)

    def deliver(self, queue: str, *, times: int = 1, backwards: bool = False) -> int:
        """Hand all that is in a queue to its worker, and return how much the worker did not give back.

        What it gave back is in the queue again.
        """
        worker, source = QUEUES[queue]
        bodies = self._taken(queue)
        ordered = [body for body in (bodies[::-1] if backwards else bodies) for _ in range(times)]
        handled = 0
        for batch in batched(enumerate(ordered), source["BatchSize"], strict=False):
            records = [
                {"messageId": f"m-{n}", "eventSource": "aws:sqs", "body": body} for n, body in batch
            ]
            answer = self.invoke(worker, {"Records": records})
            given_back = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            for record in records:
                if record["messageId"] in given_back:
                    self._sqs.send_message(
                        QueueUrl=self._names[queue], MessageBody=record["body"]
                    )
            handled += len(records) - len(given_back)
        return handled

    def _taken(self, queue: str) -> list[str]:
        url, bodies = self._names[queue], []
        while messages := self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_MOST_MESSAGES
        ).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def put_into(self, queue: str, fact: Event) -> None:
        """Send an event to a queue once more, past the topic and its filters."""
        self._sqs.send_message(QueueUrl=self._names[queue], MessageBody=fact.model_dump_json())

    def settle(self) -> None:
        """Go on until nothing moves any more: what is still in a queue then cannot be handled."""
        for _ in range(_MOST_ROUNDS):
            if not self.publish() + sum(self.deliver(queue) for queue in QUEUES):
                return
        raise AssertionError("the shop does not come to rest")

    def tick(self, sweeper: str) -> None:
        """The schedule calls a sweeper."""
        assert FUNCTIONS[sweeper].events("Schedule")
        self.invoke(sweeper, {"detail-type": "Scheduled Event", "source": "aws.events"})

    # ── What a test does to it ──────────────────────────────────────────────────────────────────────────────────────

    def pass_time(self, **much: float) -> None:
        """Make all that is stored older, which is the same as a later clock."""
        by = timedelta(**much)
        for table in self.tables.values():
            for page in table.client.get_paginator("scan").paginate(TableName=table.name):
                for item in map(from_wire, page["Items"]):
                    older = {name: _earlier(value, by) for name, value in item.items()}
                    if older != item:
                        table.client.put_item(TableName=table.name, Item=to_wire(older))

    @contextmanager
    def refusing(self, operation: str, about: str = "") -> Iterator[None]:
        """AWS refuses an operation (`sns.Publish`) wherever its request names `about`. The SDK tries none again."""
        self._refused[operation] = about
        yield
        del self._refused[operation]

    def _called(self, event_name: str, params: dict[str, Any], **_: Any) -> Any:
        """Stands on botocore's wire: before a request is signed and sent."""
        operation = event_name.removeprefix("before-call.")
        about = self._refused.get(operation)
        if about is not None and about in str(params["body"]):
            error = {"Error": {"Code": "AccessDenied", "Message": "the test wants it so"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]  # all that anybody reads of one
        if operation == "lambda.Invoke":
            [function] = _INVOKED.findall(params["url_path"])
            answer = self.functions.invoke(FunctionName=function, Payload=params["body"])
            return SimpleNamespace(status_code=200), answer
        return None

    # ── What a test sees of it ──────────────────────────────────────────────────────────────────────────────────────

    def published(self) -> list[Event]:
        """What has reached the topic, oldest first."""
        from moto.sns.models import sns_backends

        [topic] = sns_backends["123456789012"]["eu-west-1"].topics.values()
        return [Event.model_validate_json(message) for _, message, *_ in topic.sent_notifications]

    def emails(self) -> list[tuple[str, str]]:
        """The address and the subject of each e-mail that was sent, oldest first."""
        from moto.ses.models import ses_backends

        sent = ses_backends["123456789012"]["eu-west-1"].sent_messages
        return [(message.destinations["ToAddresses"][0], message.subject) for message in sent]


def _default(parameter: str) -> str:
    return str(template()["Parameters"][parameter]["Default"])


def _earlier(value: Any, by: timedelta) -> Any:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return rfc3339(datetime.fromisoformat(value) - by)
    if isinstance(value, int) and value in _EPOCH:
        return value - int(by.total_seconds())
    return value
