"""The outbox: an event is an item beside the item that changed, written in the same transaction,
and published from the table's stream (`shared.messaging.publishing`). Until it is published it has
the attribute `unsent`, by which a sweeper finds the events that the stream did not deliver.

The event items of an aggregate are its history: they are never deleted, and rewritten only to erase
a person's data. A later release may write members and types of events that this one does not know:
they are published and kept as they are.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from shared.contracts.events import Event, EventType
from shared.runtime import logging
from shared.runtime.error_text import describe
from shared.storage.dynamodb import Item, Put, Table, Update
from shared.storage.shards import MARKS

INDEX = "unsent"
_LAST_VERSION: Final = 9_999_999_999


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
    return f"EVENT#{version:010d}"


def recording(table: Table, pk: str, fact: Event) -> Put:
    """The operation that writes the event into its aggregate's partition; it fails if that version
    has one."""
    put = noting(pk, fact)
    # No partition of the index has to take all unsent events.
    put.item["unsent"] = str(random.randrange(MARKS * table.shards))  # noqa: S311  # no secret
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


def repeat(table: Table, pk: str, version: int) -> None:
    """Have an event published again. A second repetition of it does nothing."""
    shard = str(random.randrange(MARKS * table.shards))  # noqa: S311  # no secret
    table.update_unseen(
        {"pk": pk, "sk": sort_key(version)},
        "SET #unsent = :shard, #repeated = :shard",
        condition="attribute_exists(#pk) AND attribute_not_exists(#repeated)",
        values={"shard": shard},
    )


def rewriting(table: Table, pk: str, instead: Mapping[str, str], *, up_to: int) -> list[Update]:
    """The operations that write `instead` over what the events of the aggregate, up to a version,
    hold under these names in their data; a null stays. They belong into a transaction that fails if
    the aggregate has come to another version.

    The events may be published meanwhile: an event item changes in nothing else but its mark and
    its reason. What is no event to this release may hold the names as well, so all items are
    rewritten as they are stored.
    """
    operations: list[Update] = []
    for item in _items(table, pk, 0, up_to):
        stored = item.get("event")
        if not isinstance(stored, dict) or not isinstance(data := stored.get("data"), dict):
            continue
        if erased := {name: t for name, t in instead.items() if data.get(name) is not None}:
            event = {**stored, "data": data | erased}
            key = {"pk": pk, "sk": item["sk"]}
            operations.append(Update(key, "SET #event = :event", values={"event": event}))
    return operations


def history(
    table: Table, pk: str, *, after: int = 0, page_size: int | None = None
) -> Iterator[Event]:
    """The aggregate's events after a version, oldest first, without what is no event to this
    release; read page by page as they are consumed."""
    for item in _items(table, pk, after + 1, _LAST_VERSION, page_size):
        try:
            yield Event.model_validate(item.get("event"))
        except ValidationError as cause:
            logging.logger().warning("left out of the history: %s", describe(cause))


def _items(
    table: Table, pk: str, first: int, last: int, page_size: int | None = None
) -> Iterator[Item]:
    return table.iterate(
        "#pk = :pk AND #sk BETWEEN :first AND :last",
        {"pk": pk, "first": sort_key(first), "last": sort_key(last)},
        page_size=page_size,
        consistent=True,
    )
