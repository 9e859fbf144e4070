"""All that the shop has stored, and the responses that clients got: the input of the invariants."""

import base64
import copy
import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx

from operations.reconciliation import models as reconciliation
from shared.storage.dynamodb import Item, from_wire
from tools.local.mail import PATH as MAIL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLES = (*reconciliation.TABLES, "CredentialsTable", "KeysTable")
_STOCK = re.compile(r"/api/v1/products/([^/]+)/stock")


@dataclass(frozen=True)
class HandedOver:
    """An e-mail that the provider has taken."""

    to: str
    subject: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Books(reconciliation.Books):
    """What lies in the tables, by what it is, and the e-mails that the provider has taken.

    `product_steps` are all changes of products, before and after: only the simulation knows them.
    """

    addresses: Mapping[str, Item]
    emails: Sequence[HandedOver]
    everything: Sequence[Item] = field(repr=False)
    product_steps: Sequence[tuple[Item, Item]] | None = field(default=None, repr=False)


def read(
    items: Mapping[str, Iterable[Item]],
    emails: Sequence[HandedOver],
    product_steps: Sequence[tuple[Item, Item]] | None = None,
) -> Books:
    """The books of these items of each table, by its logical id."""
    addresses = {
        address: item
        for item in items["UsersTable"]
        for kind, _, address in [item["pk"].partition("#")]
        if kind == "EMAIL"
    }
    return Books(
        **vars(reconciliation.read(items)),
        addresses=addresses,
        emails=emails,
        everything=[item for logical_id in TABLES for item in items[logical_id]],
        product_steps=product_steps,
    )


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
