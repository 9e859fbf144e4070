"""All that the shop has stored, and the responses that clients got: the input of the invariants."""

import base64
import copy
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx

from shared.contracts.events import Event
from shared.storage.dynamodb import Item, from_wire
from shared.storage.shards import without_shard
from tools.local.mail import PATH as MAIL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_COUNTED = ("UsersTable", "ProductsTable", "OrdersTable", "NotificationsTable")
TABLES = (*_COUNTED, "CredentialsTable", "KeysTable")
_NO_REFUNDS = {"refunding_minor": 0, "refunded_minor": 0}
_STOCK = re.compile(r"/api/v1/products/([^/]+)/stock")


@dataclass(frozen=True)
class HandedOver:
    """An e-mail that the provider has taken."""

    to: str
    subject: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Books:
    """What lies in the tables, by what it is, and the e-mails that the provider has taken.

    `product_steps` are all changes of products, before and after: only the simulation knows them.
    """

    users: Mapping[str, Item]
    addresses: Mapping[str, Item]
    products: Mapping[str, Item]
    reservations: Mapping[str, Item]
    orders: Mapping[str, Item]
    refunds: Mapping[str, Item]
    returns: Mapping[str, Item]
    payments: Mapping[str, Item]
    notifications: Sequence[Item]
    events: Mapping[str, Sequence[Event]]
    unsent: Sequence[str]
    totals: Mapping[str, Mapping[str, int]]
    emails: Sequence[HandedOver]
    everything: Sequence[Item] = field(repr=False)
    product_steps: Sequence[tuple[Item, Item]] | None = field(default=None, repr=False)


def read(
    items: Mapping[str, Iterable[Item]],
    emails: Sequence[HandedOver],
    product_steps: Sequence[tuple[Item, Item]] | None = None,
) -> Books:
    """The books of these items of each table, by its logical id."""
    kinds: dict[str, dict[str, Item]] = defaultdict(dict)
    notifications: list[Item] = []
    events: dict[str, list[Event]] = defaultdict(list)
    unsent: list[str] = []
    totals: dict[str, dict[str, int]] = {}
    for logical_id in _COUNTED:
        totals[logical_id] = defaultdict(int)
        for item in items[logical_id]:
            kind, _, id_ = item["pk"].partition("#")
            if "event" in item:
                fact = Event.model_validate(item["event"])
                events[fact.aggregate_id].append(fact)
                if "unsent" in item:
                    unsent.append(fact.id)
            elif kind == "COUNTERS":
                for name, value in item.items():
                    if name not in ("pk", "sk"):
                        totals[logical_id][name] += value
            elif logical_id == "NotificationsTable":
                notifications.append(item)
            else:
                of_order, _, part = item["sk"].partition("#")
                kinds[of_order if part else kind][part or id_] = item
    for history in events.values():
        history.sort(key=lambda fact: fact.version)
    return Books(
        users=kinds["USER"],
        addresses=kinds["EMAIL"],
        products=_whole(kinds["PRODUCT"], kinds["STOCK"]),
        reservations=kinds["RESERVATION"],
        orders={
            id_: _NO_REFUNDS | item | {"status": without_shard(item["status"])}
            for id_, item in kinds["ORDER"].items()
        },
        refunds=kinds["REFUND"],
        returns=kinds["RETURN"],
        payments=kinds["SANDBOX-PAYMENT"],
        notifications=[item for item in notifications if item["sk"] != "TOMBSTONE"],
        events=events,
        unsent=unsent,
        totals=totals,
        emails=emails,
        everything=[item for logical_id in TABLES for item in items[logical_id]],
        product_steps=product_steps,
    )


def _whole(products: Mapping[str, Item], shares: Mapping[str, Item]) -> dict[str, Item]:
    """The products with the units of their shares."""
    whole = {id_: dict(product) for id_, product in products.items()}
    for id_, share in shares.items():
        for name in ("available", "taken", "version"):
            whole[id_.partition("#")[0]][name] += share[name]
    return whole


def scanned(dynamodb: "DynamoDBClient", table: str) -> list[Item]:
    """All items of a table."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [from_wire(item) for page in pages for item in page["Items"]]


@dataclass
class Witness:
    """Records every response that clients get. Give `saw` to an httpx client as its response
    hook."""

    stock: dict[str, int] = field(default_factory=dict)
    """The units of each product that was added, and of each change of its stock that was
    answered."""
    orders: set[str] = field(default_factory=set)
    """Every order in a response."""
    refunds: set[str] = field(default_factory=set)
    """Every refund that a response has accepted."""
    returns: set[str] = field(default_factory=set)
    """Every return that a response has accepted."""
    registered: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Every registered user in a response, with the address and the name."""
    answers: list[tuple[str, str]] = field(default_factory=list)
    """The customer who asked (their id; empty without a token), and the answer's body. Admins may
    see all."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _restocked: set[tuple[str, str]] = field(default_factory=set)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        own = {name: value for name, value in vars(self).items() if name != "_lock"}
        return type(self)(**copy.deepcopy(own, memo))

    def saw(self, response: httpx.Response) -> None:
        response.read()
        request = response.request
        if request.url.path == MAIL:
            return
        with self._lock:
            sub, role = _caller(request.headers.get("Authorization"))
            if role != "admin":
                self.answers.append((sub, response.text))
            if response.is_success and request.method == "POST":
                self._record(request, response.json() if response.text else {})

    def _record(self, request: httpx.Request, body: Any) -> None:
        path = request.url.path
        if path == "/api/v1/orders":
            self.orders.add(body["id"])
        elif path.endswith("/refunds"):
            self.refunds.add(body["id"])
        elif path.endswith("/returns"):
            self.returns.add(body["id"])
        elif path == "/api/v1/users":
            self.registered[body["id"]] = body["email"], body["full_name"]
            # A customer who registers has no token yet, and gets the new account.
            self.answers.pop()
        elif path == "/api/v1/products":
            self.stock[body["id"]] = body["stock"]
        elif found := _STOCK.fullmatch(path):
            self._stock_changed(found[1], request)

    def _stock_changed(self, product_id: str, request: httpx.Request) -> None:
        key = request.headers.get("Idempotency-Key")
        if key is not None:
            if (product_id, key) in self._restocked:
                return
            self._restocked.add((product_id, key))
        self.stock[product_id] += json.loads(request.content)["delta"]


def _caller(authorization: str | None) -> tuple[str, str]:
    if authorization is None:
        return "", ""
    payload = authorization.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims["sub"], claims["role"]
