"""Fills the tables of a shop with older items like its own."""

import base64
from collections.abc import Iterator, Mapping
from typing import Final

from tests.costs.shop import Shop
from tests.simulation.expressions import Item

_STATUSES: Final = ("confirmed", "shipped", "delivered", "cancelled")
_OF_CUSTOMER: Final = 10  # every tenth order and e-mail is the shop's own customer's


def fill(shop: Shop, count: int) -> None:
    """Add so many orders, products, users and e-mails, with the items that come with each."""
    tables = shop.town.cloud.dynamodb.tables
    own = {name: dict(table.items) for name, table in tables.items()}
    customer = shop.customer.user["id"]
    for number in range(count):
        for name, items in (
            ("OrdersTable", _order(own["OrdersTable"], customer, number)),
            ("NotificationsTable", _email(own["NotificationsTable"], customer, number)),
            ("ProductsTable", _product(own["ProductsTable"], number)),
            ("UsersTable", _user(own["UsersTable"], number)),
        ):
            for item in items:
                tables[name].items[tables[name].key(item)] = item


def _order(own: Mapping[tuple[str, str], Item], customer: str, number: int) -> Iterator[Item]:
    id_, at = _id(number), _at(number)
    owner = customer if number % _OF_CUSTOMER == 0 else _id(number % _OF_CUSTOMER)
    status = _STATUSES[number // _OF_CUSTOMER % len(_STATUSES)]
    place = {"pk": f"ORDER#{id_}", "placed": f"{at}#{id_}", "created_at": at}
    yield _like(own, "ORDER#", "ORDER", **place, user_id=owner, status=status)
    for version in (1, 2):
        event = _like(own, "ORDER#", "EVENT#", pk=f"ORDER#{id_}", sk=f"EVENT#{version:010d}")
        yield {name: value for name, value in event.items() if name != "unsent"}


def _email(own: Mapping[tuple[str, str], Item], customer: str, number: int) -> Iterator[Item]:
    mailbox = f"USER#{customer if number % _OF_CUSTOMER == 0 else _id(number % _OF_CUSTOMER)}"
    state = "unread" if number // _OF_CUSTOMER % 2 else "read"
    place = f"{_at(number)}#{_id(number)}.1#email"
    yield _like(
        own, "USER#", "NOTIFICATION#",
        pk=mailbox,
        sk=f"NOTIFICATION#{place}",
        id=base64.urlsafe_b64encode(place.encode()).decode().rstrip("="),
        read_state=f"{mailbox}#{state}",
        created_at=_at(number),
    )  # fmt: skip


def _product(own: Mapping[tuple[str, str], Item], number: int) -> Iterator[Item]:
    """A mug, with the word by which it is found, and a reservation of it."""
    id_, at = _id(number), _at(number)
    product = _like(
        own, "PRODUCT#", "PRODUCT",
        pk=f"PRODUCT#{id_}",
        id=id_,
        category="tests" if number % 2 else "others",
        price_key=f"{number:013d}#{id_}",
        name_key=f"blue mug {number:08d}\x01{id_}",
        created_key=f"{at}#{id_}",
        created_at=at,
    )  # fmt: skip
    yield product
    word = _like(own, "WORD#", "", pk="WORD#m", sk=f"mug#{id_}")
    yield {**word, "entry": {"M": {name: product[name] for name in word["entry"]["M"]}}}
    reservation = _like(own, "RESERVATION#", "RESERVATION", pk=f"RESERVATION#{id_}")
    yield {name: value for name, value in reservation.items() if name != "due"}


def _user(own: Mapping[tuple[str, str], Item], number: int) -> Iterator[Item]:
    id_ = _id(number)
    email = f"{id_}@example.com"
    yield _like(own, "USER#", "USER", pk=f"USER#{id_}", id=id_, email=email, created_at=_at(number))
    yield _like(own, "EMAIL#", "EMAIL", pk=f"EMAIL#{email}", user_id=id_)


def _like(own: Mapping[tuple[str, str], Item], pk: str, sk: str, /, **texts: str) -> Item:
    """The first item whose keys begin so, with other texts."""
    item = next(i for key, i in own.items() if key[0].startswith(pk) and key[1].startswith(sk))
    return {**item, **{name: {"S": text} for name, text in texts.items()}}


def _id(number: int) -> str:
    return f"{number:032x}"


def _at(number: int) -> str:
    """A minute later for each, before the shop's own items."""
    hours, minutes = divmod(number, 60)
    days, hours = divmod(hours, 24)
    return f"2023-{1 + days // 28:02d}-{1 + days % 28:02d}T{hours:02d}:{minutes:02d}:00.000Z"
