"""Lambda entry for the table's stream: publishes the products' events, and notices low stock."""

# Before pydantic, which everything below imports: see there.
from shared.workers import task  # isort: skip
from dataclasses import dataclass
from typing import Any

from products.repository.items import PRODUCT_SK, to_product
from products.repository.products import DynamoProducts
from products.service.low_stock import LowStockWatch
from shared import logging
from shared.aws import client
from shared.deadline import Deadline
from shared.dynamodb import Table, from_wire
from shared.entry import Entry, Handler
from shared.outbox import Relay
from shared.settings import OutboxSettings


@dataclass(frozen=True)
class Settings(OutboxSettings):
    """A product whose stock falls below the threshold is reported."""

    low_stock_threshold: int


def create_handler(relay: Relay, watch: LowStockWatch) -> Handler:
    """The handler of the stream's batches."""

    def react(stream_event: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        # First, because it only writes: a batch that fails here has published nothing yet.
        for record in stream_event["Records"]:
            _notice(record, watch)
        return relay.relay(stream_event, deadline)

    return task(react)


def _notice(record: dict[str, Any], watch: LowStockWatch) -> None:
    change = record["dynamodb"]
    if record["eventName"] != "MODIFY" or change["Keys"]["sk"]["S"] != PRODUCT_SK:
        return
    after = from_wire(change["NewImage"])
    logging.begin(after["request_id"])
    watch.notice(to_product(from_wire(change["OldImage"])), to_product(after))


def build(settings: Settings) -> Handler:
    """The function's graph."""
    table = Table(settings.table_name, client("dynamodb"))
    watch = LowStockWatch(DynamoProducts(table), threshold=settings.low_stock_threshold)
    return create_handler(Relay.connected(settings), watch)


handler = Entry(build, Settings)
