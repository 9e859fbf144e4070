"""The same calls with a thousand, a hundred thousand and a million items in each table."""

import base64
from collections.abc import Callable, Mapping
from typing import Final

from bench import flows
from bench.capacity import Units
from bench.crowd import Kind, let_in
from bench.report import NO, YES, Progress, Table
from bench.shop import Shop, opened
from tests.simulation.expressions import Item

TITLE: Final = "With many items"

VOLUMES: Final = (1_000, 100_000, 1_000_000)
_STATUSES: Final = ("confirmed", "shipped", "delivered", "cancelled")
_HERS: Final = 10  # every tenth order, and e-mail, is our customer's
_NOWHERE: Final = range(0)

type Measured = Mapping[str, tuple[int, Units]]


def measure(progress: Progress) -> list[Table]:
    """Play each flow in shops of each size."""
    measured: dict[int, Measured] = {}
    for volume in VOLUMES:
        with progress(f"{volume:,} items"):
            measured[volume] = _played(volume)
    rows = [_row(name, [measured[volume][name] for volume in VOLUMES]) for name in flows.FLOWS]
    return [
        Table(
            "Calls and request units of each flow, by the items in each table",
            ("flow", *(f"{volume:,}" for volume in VOLUMES), "unchanged"),
            tuple(rows),
            "Calls; units written and read, indexes included. Each of the four tables holds so many items besides the shop's own: "
            "orders with their events, of which every tenth is our customer's; products with the words of their names and their "
            "reservations; users with their addresses; e-mails, every tenth in our customer's mailbox. The simulation makes an "
            "item when it is asked for (bench/crowd.py) and finds pages by their keys, as DynamoDB does. A common word is looked up "
            "to its thousandth product, and then left for an index in the list's own order: there the price has its ceiling.",
        )
    ]


def _played(volume: int) -> Measured:
    with opened() as shop:
        fill(shop, volume)
        return counted(shop)


def counted(shop: Shop) -> Measured:
    """Play all flows; the number of calls of each, and their units."""
    return {name: _counted(shop, flow) for name, flow in flows.FLOWS.items()}


def _counted(shop: Shop, flow: flows.Flow) -> tuple[int, Units]:
    calls = flows.calls_of(shop, flow)
    return len(calls), sum((call.units for call in calls), Units())


def _row(name: str, seen: list[tuple[int, Units]]) -> tuple[str, ...]:
    figures = [f"{calls}; {units.write:g} + {units.read:g}" for calls, units in seen]
    return (name, *figures, YES if len(set(figures)) == 1 else NO)


# ── The crowd ───────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(shop: Shop, volume: int) -> None:
    """Let so many items into each table. They are like the shop's own, but older."""
    dynamodb = shop.town.cloud.dynamodb
    items = {name: dict(table.items) for name, table in dynamodb.tables.items()}
    customer = shop.customer.user["id"]
    order = _one(items["OrdersTable"], "ORDER#", "ORDER")
    event = _one(items["OrdersTable"], "ORDER#", "EVENT#")
    let_in(dynamodb, "OrdersTable", *_orders(order, event, customer, volume // 3))
    notification = _one(items["NotificationsTable"], "USER#", "NOTIFICATION#")
    let_in(dynamodb, "NotificationsTable", _notifications(notification, customer, volume))
    product = _one(items["ProductsTable"], "PRODUCT#", "PRODUCT")
    word = _one(items["ProductsTable"], "WORD#", "")
    sold = _one(items["ProductsTable"], "RESERVATION#", "RESERVATION")
    let_in(dynamodb, "ProductsTable", *_products(product, word, sold, volume // 3))
    user = _one(items["UsersTable"], "USER#", "USER")
    let_in(dynamodb, "UsersTable", *_users(user, volume // 2))


def _one(items: Mapping[tuple[str, str], Item], pk: str, sk: str) -> Item:
    return next(
        item for key, item in items.items() if key[0].startswith(pk) and key[1].startswith(sk)
    )


def _with(item: Item, **texts: str) -> Item:
    return {**item, **{name: {"S": text} for name, text in texts.items()}}


def _id(number: int) -> str:
    return f"{number:032x}"


def _at(number: int) -> str:
    """Another second for each, over the years before."""
    seconds, minutes = number % 60, number // 60
    hours, days = minutes // 60, minutes // 1440
    year, day = 2023 + days // 336, days % 336
    return f"{year}-{1 + day // 28:02d}-{1 + day % 28:02d}T{hours % 24:02d}:{minutes % 60:02d}:{seconds:02d}.000Z"


def _nowhere(_index: str | None, _value: str) -> range:
    """Of a kind of which no flow reads a list."""
    return _NOWHERE


def _unasked(_key: tuple[str, str]) -> None:
    """Of a kind of which no flow reads one by its key."""


def _numbered(count: int, prefix: str, sk: str) -> Callable[[tuple[str, str]], int | None]:
    """The number in a partition key that ends with an id."""

    def number(key: tuple[str, str]) -> int | None:
        kind, _, id_ = key[0].partition("#")
        if kind != prefix or not key[1].startswith(sk) or len(id_) != 32:
            return None
        found = int(id_, 16)
        return found if found < count else None

    return number


def _orders(order: Item, event: Item, customer: str, count: int) -> tuple[Kind, ...]:
    def owner(number: int) -> str:
        return customer if number % _HERS == 0 else _id(number % _HERS)

    def make(number: int) -> Item:
        return _with(
            order,
            pk=f"ORDER#{_id(number)}",
            user_id=owner(number),
            status=_STATUSES[number % len(_STATUSES)],
            placed=f"{_at(number)}#{_id(number)}",
            created_at=_at(number),
        )

    def partition(index: str | None, value: str) -> range:
        if index == "by-user" and value == customer:
            return range(0, count, _HERS)
        if index == "by-status" and value in _STATUSES:
            return range(_STATUSES.index(value), count, len(_STATUSES))
        return _NOWHERE

    def make_event(number: int) -> Item:
        sent = {name: value for name, value in event.items() if name != "unsent"}
        return _with(sent, pk=f"ORDER#{_id(number // 2)}", sk=f"EVENT#{number % 2 + 1:010d}")

    def events(index: str | None, value: str) -> range:
        number = None if index else _numbered(count, "ORDER", "")((value, ""))
        return _NOWHERE if number is None else range(2 * number, 2 * number + 2)

    return (
        Kind(count, make, _numbered(count, "ORDER", "ORDER"), partition),
        Kind(2 * count, make_event, _unasked, events),
    )


def _notifications(notification: Item, customer: str, count: int) -> Kind:
    """Every second of a mailbox is unread."""
    boxes = [f"USER#{customer}", *(f"USER#{_id(number)}" for number in range(1, _HERS))]

    def make(number: int) -> Item:
        box = boxes[number % _HERS]
        state = "unread" if number // _HERS % 2 else "read"
        place = f"{_at(number)}#{_id(number)}.1#email"
        id_ = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
        sk = f"NOTIFICATION#{place}"
        return _with(
            notification, id=id_, pk=box, sk=sk, read_state=f"{box}#{state}", created_at=_at(number)
        )

    def number(key: tuple[str, str]) -> int | None:
        _, at, id_, *_ = f"{key[1]}###".split("#")
        found = id_.partition(".")[0]
        return int(found, 16) if at and len(found) == 32 and int(found, 16) < count else None

    def partition(index: str | None, value: str) -> range:
        box, _, state = value.rpartition("#") if index else (value, "", "")
        if box not in boxes:
            return _NOWHERE
        first = boxes.index(box)
        if index is None:
            return range(first, count, _HERS)
        return range(first + (_HERS if state == "unread" else 0), count, 2 * _HERS)

    return Kind(count, make, number, partition)


def _products(product: Item, word: Item, sold: Item, count: int) -> tuple[Kind, ...]:
    """All are called mug."""

    def make(number: int) -> Item:
        id_ = _id(number)
        return _with(
            product,
            pk=f"PRODUCT#{id_}",
            id=id_,
            category="tests" if number % 2 else "others",
            price_key=f"{number:013d}#{id_}",
            name_key=f"blue mug {number:08d}\x01{id_}",
            created_key=f"{_at(number)}#{id_}",
            created_at=_at(number),
        )

    def partition(index: str | None, value: str) -> range:
        if index and index.startswith("all-by-"):
            return range(count)
        if index and index.startswith("category-by-"):
            return (
                range(int(value == "tests"), count, 2) if value in ("tests", "others") else _NOWHERE
            )
        return _NOWHERE

    def make_word(number: int) -> Item:
        id_, entry = _id(number), make(number)
        shown = {name: entry[name] for name in word["entry"]["M"]}
        return {**word, "pk": {"S": "WORD#m"}, "sk": {"S": f"mug#{id_}"}, "entry": {"M": shown}}

    def words(index: str | None, value: str) -> range:
        return range(count) if index is None and value == "WORD#m" else _NOWHERE

    def make_reservation(number: int) -> Item:
        held = {name: value for name, value in sold.items() if name != "due"}
        return _with(held, pk=f"RESERVATION#{_id(number)}")

    return (
        Kind(count, make, _numbered(count, "PRODUCT", "PRODUCT"), partition),
        Kind(count, make_word, _unasked, words),
        Kind(count, make_reservation, _numbered(count, "RESERVATION", "RESERVATION"), _nowhere),
    )


def _users(user: Item, count: int) -> tuple[Kind, ...]:
    def make(number: int) -> Item:
        email = f"{_id(number)}@example.com"
        return _with(
            user, pk=f"USER#{_id(number)}", id=_id(number), email=email, created_at=_at(number)
        )

    def partition(index: str | None, value: str) -> range:
        mine = {"by-creation": "listing", "by-activity": "activity"}.get(index or "")
        return range(count) if mine and user[mine]["S"] == value else _NOWHERE

    def make_guard(number: int) -> Item:
        key = {"pk": f"EMAIL#{_id(number)}@example.com", "sk": "EMAIL", "user_id": _id(number)}
        return _with({}, **key)

    return (
        Kind(count, make, _numbered(count, "USER", "USER"), partition),
        Kind(count, make_guard, _unasked, _nowhere),
    )
