"""The outbox: an event is an item beside the item that changed, written in the same transaction,
and published from the table's stream (`shared.messaging.publishing`). Until it is published it has
the attribute `unsent`, by which a sweeper finds the events that the stream did not deliver.

The event items of an aggregate are its history: they are never deleted, and rewritten only to erase
a person's data. A later release may write members and types of events that this one does not know:
they are published and kept as they are.
"""

import random
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from shared.contracts.events import Event, EventType
from shared.runtime import logging
from shared.runtime.error_text import describe
from shared.storage.dynamodb import Item, Page, Put, Table, Update

INDEX = "unsent"
SORT_PREFIX = "EVENT#"
SHARDS: Final = 4


def event(
    type_: EventType, *, aggregate_id: str, version: int, at: str, data: dict[str, Any]
) -> Event:
    """The event of an aggregate's change, under the request at hand."""
    return Event(
        id=f"{aggregate_id}.{version}",
        type=type_,
        aggregate_id=aggregate_id,
        version=version,
        at=at,
        request_id=logging.request_id(),
        data=data,
    )


def sort_key(version: int) -> str:
    """The sort key of the event that made its aggregate's version."""
    return f"{SORT_PREFIX}{version:010d}"


def recording(pk: str, fact: Event) -> Put:
    """The operation that writes the event into its aggregate's partition; it fails if that version
    has one."""
    put = noting(pk, fact)
    # A shard: no partition of the index has to take all unsent events.
    put.item["unsent"] = str(random.randrange(SHARDS))  # noqa: S311  # no secret
    return put


def noting(pk: str, fact: Event) -> Put:
    """The same for an event that is in the history only: it is not published."""
    item = {
        "pk": pk,
        "sk": sort_key(fact.version),
        "at": fact.at,
        "event": fact.model_dump(mode="json"),
    }
    return Put(item, condition="attribute_not_exists(#pk)")


def rewriting(table: Table, pk: str, instead: Mapping[str, str], *, up_to: int) -> list[Update]:
    """The operations that write `instead` over what the events of the aggregate, up to a version,
    hold under these names in their data. They belong into a transaction that fails if the aggregate
    has come to another version.

    The events may be published meanwhile: an event item changes in nothing else but its mark and
    its reason. What is no event to this release may hold the names as well, so all items are
    rewritten as they are stored.
    """
    operations: list[Update] = []
    start: Item | None = None
    while True:
        page = _page(table, pk, start=start)
        for item in page.items:
            stored = item.get("event")
            if not isinstance(stored, dict) or not isinstance(data := stored.get("data"), dict):
                continue
            if item["sk"] > sort_key(up_to):
                return operations
            if erased := {name: text for name, text in instead.items() if name in data}:
                event = {**stored, "data": data | erased}
                key = {"pk": pk, "sk": item["sk"]}
                operations.append(Update(key, "SET #event = :event", values={"event": event}))
        start = page.last_key
        if start is None:
            return operations


def history(
    table: Table, pk: str, *, limit: int | None = None, start: Item | None = None
) -> tuple[list[Event], Item | None]:
    """The aggregate's events, oldest first, and the key to go on from; without what is no event to
    this release."""
    facts: list[Event] = []
    while True:
        left = limit - len(facts) if limit else None
        page = _page(table, pk, limit=left, start=start)
        for item in page.items:
            try:
                facts.append(Event.model_validate(item.get("event")))
            except ValidationError as cause:
                logging.logger().warning("left out of the history: %s", describe(cause))
        start = page.last_key
        if start is None or not limit or len(facts) == limit:
            return facts, start


def _page(table: Table, pk: str, *, limit: int | None = None, start: Item | None = None) -> Page:
    return table.query(
        "#pk = :pk AND begins_with(#sk, :prefix)",
        {"pk": pk, "prefix": SORT_PREFIX},
        limit=limit,
        start=start,
        consistent=True,
    )
