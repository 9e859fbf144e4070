"""What moto keeps, read and changed from behind: what no AWS call tells, or tells too slowly for so many tests."""

import copy
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.events.models import EventPattern
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends
from moto.sqs.models import Queue, sqs_backends

from shared.clock import rfc3339
from shared.contracts.events import Event

ACCOUNT, REGION = "123456789012", "eu-west-1"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_EPOCH_SECONDS = re.compile(r"[12]\d{9}")


def remember() -> Callable[[], None]:
    """What brings back all that the tables hold now; what was published, sent and queued is forgotten then."""
    kept = copy.deepcopy(_dynamodb().tables)

    def restore() -> None:
        _dynamodb().tables = copy.deepcopy(kept)
        _sent_messages().clear()
        _notifications().clear()
        for queue in _queues():
            queue._messages.clear()
            queue.pending_messages.clear()

    return restore


def take_stream_records(table: str) -> list[dict[str, Any]]:
    """What is new in a table's stream. It is taken out: moto copies streams with each transaction."""
    shard = _dynamodb().get_table(table).stream_shard
    assert shard is not None
    taken, shard.items = shard.items, []
    # Their times are the only thing that is not JSON, and no function reads them.
    return [json.loads(json.dumps(record.to_json(), default=str)) for record in taken]


def matches(record: Any, pattern: str) -> bool:
    """Whether a filter of an event source, as JSON, lets a record through."""
    return EventPattern(pattern, json.loads(pattern)).matches_event(record)


def pass_time(by: timedelta) -> None:
    """Make all that is stored older, which is the same as a later clock."""
    for table in _dynamodb().tables.values():
        for item in table.all_items():
            for attribute in item.attrs.values():
                attribute.value = _earlier(attribute.value, by)
    for queue in _queues():
        for message in queue._messages:
            message.visible_at -= by / timedelta(milliseconds=1)


def published() -> list[Event]:
    """What has reached the topic, oldest first."""
    return [Event.model_validate_json(message) for _, message, *_ in _notifications()]


def emails() -> list[tuple[str, str]]:
    """The address and the subject of each e-mail that was sent, oldest first."""
    return [(sent.destinations["ToAddresses"][0], sent.subject) for sent in _sent_messages()]


def _dynamodb() -> DynamoDBBackend:
    return dynamodb_backends[ACCOUNT][REGION]


def _notifications() -> list[Any]:
    [topic] = sns_backends[ACCOUNT][REGION].topics.values()
    return topic.sent_notifications


def _queues() -> list[Queue]:
    return list(sqs_backends[ACCOUNT][REGION].queues.values())


def _sent_messages() -> list[Any]:
    return ses_backends[ACCOUNT][REGION].sent_messages


def _earlier(value: Any, by: timedelta) -> Any:
    """A value as DynamoDB has it, where numbers are text; what is no time stays what it is."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        return rfc3339(datetime.fromisoformat(value) - by)
    if isinstance(value, str) and _EPOCH_SECONDS.fullmatch(value):
        return str(int(value) - int(by.total_seconds()))
    return value
