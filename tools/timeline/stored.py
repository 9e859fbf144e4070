"""What the tables have of an order. Items are not parsed: an order of any release is shown."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer

from tools.timeline.rows import Row, moment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

# As in functions/: tools do not import what runs on Lambda.
_QUARANTINE: Final = "quarantine"
_ADMINS: Final = "ADMINS"
_FOR_ADMINS: Final = "order.return_requested"
_SANDBOX: Final = "sandbox-"


@dataclass(frozen=True)
class StoredOrder:
    """An order and what belongs to it.

    Attributes:
        events: the items of its history, oldest first.
        payment: the sandbox's; another provider keeps its own books.
    """

    id: str
    item: Item
    events: list[Item] = field(default_factory=list)
    refunds: list[Item] = field(default_factory=list)
    returns: list[Item] = field(default_factory=list)
    notifications: list[Item] = field(default_factory=list)
    payment: Item | None = None
    reservation: Item | None = None

    @property
    def created_at(self) -> datetime:
        return moment(self.item["created_at"])

    @property
    def status(self) -> str:
        """Its status, and why it was cancelled."""
        status = str(self.item["status"]).partition("#")[0]
        reason = self.item.get("cancel_reason")
        return f"{status} ({reason})" if reason else status

    @property
    def due_at(self) -> datetime | None:
        """When the sweeper takes care of it; None if nothing is left to do."""
        return moment(self.item["due_at"]) if self.item.get("due_at") else None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way, as far as the tables say."""
        is_sent = all("unsent" not in event for event in self.events)
        return is_sent and not (
            self.due_at or any(one["status"] == "pending" for one in self.notifications)
        )

    @property
    def last_change(self) -> datetime:
        """The latest time that the tables have."""
        times = [self.item["updated_at"], *(event["at"] for event in self.events)]
        times += [one["settled_at"] for one in self.notifications if "settled_at" in one]
        return max(map(moment, times))

    @property
    def request_ids(self) -> list[str]:
        """The requests that have changed it, in their order."""
        ids = (_fact(event).get("request_id") for event in self.events)
        return list(dict.fromkeys(id_ for id_ in ids if id_))


class Tables:
    """The tables of a shop.

    Args:
        names: by their names in the template.
    """

    def __init__(self, dynamodb: "DynamoDBClient", names: Mapping[str, str]) -> None:
        self._dynamodb = dynamodb
        self._names = names

    def find(self, order_id: str) -> StoredOrder | None:
        """The order, without its notifications; None if it does not exist."""
        items = self._partition("OrdersTable", f"ORDER#{order_id}")
        by_kind: dict[str, list[Item]] = {}
        for item in items:
            by_kind.setdefault(item["sk"].partition("#")[0], []).append(item)
        if not (found := by_kind.get("ORDER")):
            return None
        return StoredOrder(
            order_id,
            found[0],
            by_kind.get("EVENT", []),
            by_kind.get("REFUND", []),
            by_kind.get("RETURN", []),
            self._notifications(found[0], by_kind.get("EVENT", [])),
            self._only("OrdersTable", f"SANDBOX-PAYMENT#{order_id}"),
            self._only("ProductsTable", f"RESERVATION#{order_id}"),
        )

    def circuits(self) -> dict[str, str]:
        """The circuits that are not closed: service and state."""
        items = self._partition("OrdersTable", "CIRCUITS")
        states = {item["sk"]: str(item.get("state", "")).lower() for item in items}
        return {service: state for service, state in states.items() if state != "closed"}

    def _notifications(self, order: Item, events: list[Item]) -> list[Item]:
        boxes = [f"USER#{order['user_id']}"]
        if any(_fact(event).get("type") == _FOR_ADMINS for event in events):
            boxes.append(_ADMINS)
        order_id = order["pk"].partition("#")[2]
        begin = f"NOTIFICATION#{order['created_at']}"
        found = [self._partition("NotificationsTable", box, begin, order_id) for box in boxes]
        return list(heapq.merge(*found, key=lambda item: str(item["sk"])))

    def _only(self, table: str, pk: str) -> Item | None:
        return next(iter(self._partition(table, pk)), None)

    def _partition(self, table: str, pk: str, begin: str = " ", order_id: str = "") -> list[Item]:
        """The items of a partition, from a sort key on, of an order if it is given."""
        values: dict[str, Any] = {":pk": {"S": pk}, ":begin": {"S": begin}}
        names = {"#pk": "pk", "#sk": "sk"}
        of_order: dict[str, Any] = {}
        if order_id:
            names["#order_id"], values[":order_id"] = "order_id", {"S": order_id}
            of_order = {"FilterExpression": "#order_id = :order_id"}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._names[table],
            KeyConditionExpression="#pk = :pk AND #sk >= :begin",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            **of_order,
        )
        read = TypeDeserializer().deserialize
        return [
            {name: read(value) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]


def rows(order: StoredOrder, *, is_personal: bool = False) -> Iterator[Row]:
    """What the tables know the time of.

    Args:
        is_personal: also what people have written, and whom the shop has written to.
    """
    for event in order.events:
        yield _event_row(event, order.item, is_personal=is_personal)
    for notification in order.notifications:
        if "settled_at" in notification:
            yield _email_row(notification, is_personal=is_personal)
    reservation = order.reservation
    if reservation and "updated_at" in reservation:
        text = f"the stock is {reservation['state']}: {_units(reservation)}"
        yield Row(moment(reservation["updated_at"]), "ProductsTable", text, "stock")


def facts(
    order: StoredOrder, now: datetime, *, is_personal: bool = False
) -> Iterator[tuple[str, str]]:
    """How the order stands now: a label, and a sentence.

    Args:
        is_personal: also what people have written.
    """
    yield "payment", _payment_text(order)
    if order.item.get("action_until") and order.status == "pending":
        yield "", f"its customer has to act until {_clock(order.item['action_until'])}"
    for refund in order.refunds:
        amount = money(refund["amount_minor"], order.item["currency"])
        yield "refund", f"{_short(refund)}  {amount}  {_status(refund, is_personal=is_personal)}"
    for one in order.returns:
        yield "return", f"{_short(one)}  {_units(one)}  {_status(one, is_personal=is_personal)}"
    for notification in order.notifications:
        yield "notification", _notification_text(notification)
    if due := order.due_at:
        when = f"in {(due - now).total_seconds():.0f} s" if due > now else "now"
        sent = "the sweeper sends the checkout a message then, if none comes before"
        yield "due", f"{_clock(order.item['due_at'])}, {when}: {sent}"
    for event in order.events:
        if "unsent" in event:
            yield "event", _unsent_text(event)


def _status(item: Item, *, is_personal: bool) -> str:
    written = [item[name] for name in ("reason", "refusal") if item.get(name)]
    return "  ".join([item["status"], *(f"“{text}”" for text in written if is_personal)])


def _payment_text(order: StoredOrder) -> str:
    if order.payment:
        return f"{_SANDBOX}{order.id[:8]}…  {' → '.join(order.payment['entries'])}"
    if id_ := order.item.get("payment_id"):
        return f"{id_}, in the books of its provider"
    return "none yet"


def _unsent_text(event: Item) -> str:
    type_ = _fact(event).get("type", "no event")
    if event["unsent"] == _QUARANTINE:
        return f"{type_}  quarantined: {event.get('reason', 'no reason')} (make dlq shows it)"
    return f"{type_}  not published yet"


def _notification_text(notification: Item) -> str:
    status, type_ = notification["status"], notification["type"]
    if "inbox" in notification:
        return f"{type_}  in the inbox, without an e-mail"
    if status == "pending" and (until := notification.get("lease_until")):
        attempts = notification.get("attempts", 1)
        return f"{type_}  e-mail pending, unanswered: {attempts}, lease until {_clock(until)}"
    return f"{type_}  e-mail {status}"


def _short(item: Item) -> str:
    return f"{item['sk'].partition('#')[2][:8]}…"


def units(item: Item) -> int:
    """How many units its lines have."""
    return sum(int(line["quantity"]) for line in item.get("lines", ()))


def money(minor: Any, currency: str) -> str:
    whole, cents = divmod(int(minor), 100)
    return f"{whole}.{cents:02} {currency}"


def part_of(order: StoredOrder, request_id: str) -> StoredOrder:
    """What a request has caused of an order: its events, and their notifications."""
    events = [event for event in order.events if _fact(event).get("request_id") == request_id]
    at = {event["at"] for event in events}
    notifications = [one for one in order.notifications if one["created_at"] in at]
    return replace(order, events=events, notifications=notifications, reservation=None)


def _event_row(event: Item, order: Item, *, is_personal: bool) -> Row:
    fact = _fact(event)
    data = fact.get("data", {})
    details = [f"version {fact.get('version')}"]
    if fact.get("type") == "order.cancelled":
        details.append(str(data.get("cancel_reason")))
    if data.get("refund_minor"):
        details.append(money(data["refund_minor"], order["currency"]))
    if is_personal and data.get("refusal"):
        details.append(str(data["refusal"]))
    if "repeated" in event:
        details.append("published twice: the order was slow")
    return Row(
        moment(event["at"]),
        "OrdersTable",
        f"{fact.get('type', 'no event')}  {', '.join(details)}",
        "event",
        request_id=str(fact.get("request_id", "")),
    )


def _email_row(notification: Item, *, is_personal: bool) -> Row:
    is_sent = notification["status"] == "sent"
    text = f"e-mail {'sent' if is_sent else 'not sent'}: {notification['type']}"
    if reason := notification.get("reason"):
        text += f" ({reason})"
    if is_personal:
        text += f"  “{notification['subject']}”"
    at = moment(notification["settled_at"])
    return Row(at, "NotificationsTable", text, "email" if is_sent else "error")


def _fact(event: Item) -> dict[str, Any]:
    """The event itself, which may be anything that an earlier or a later release has written."""
    fact = event.get("event")
    return fact if isinstance(fact, dict) else {}


def _units(item: Item) -> str:
    count = units(item)
    return f"{count} unit{'' if count == 1 else 's'}"


def _clock(text: str) -> str:
    return f"{moment(text).astimezone(UTC):%H:%M:%S}"
